//! The query's tokens, one after the other.

use sqlparser::{
    dialect::AnsiDialect,
    tokenizer::{Location, Token, Tokenizer},
};

use crate::error::{Fault, Place};

/// A name as it was written.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) quoted: bool,
    pub(crate) place: Place,
}

/// Tokens that are still to be read.
pub(crate) struct Tokens {
    tokens: Vec<(Token, Place)>,
    at: usize,
    end: Place,
}

impl Tokens {
    pub(crate) fn of(sql: &str) -> Result<Self, Fault> {
        let place = |at: Location| Place { line: at.line.max(1), column: at.column.max(1) };
        let dialect = AnsiDialect {};
        let tokens = Tokenizer::new(&dialect, sql).tokenize_with_location();
        let tokens = tokens.map_err(|error| {
            (place(error.location), format!("{}; close what is open there", error.message))
        })?;
        let tokens =
            tokens.into_iter().filter(|of| !matches!(of.token, Token::Whitespace(_) | Token::EOF));
        let tokens = tokens.map(|of| (of.token, place(of.span.start))).collect();
        let lines = sql.split('\n').count() as u64;
        let last = sql.split('\n').next_back().unwrap_or_default().chars().count() as u64;
        Ok(Self { tokens, at: 0, end: Place { line: lines, column: last + 1 } })
    }

    pub(crate) fn place(&self) -> Place {
        self.tokens.get(self.at).map_or(self.end, |(_, place)| *place)
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    /// Where the reading is, to come back to it.
    pub(crate) fn mark(&self) -> usize {
        self.at
    }

    pub(crate) fn go_to(&mut self, mark: usize) {
        self.at = mark;
    }

    /// Goes behind the first of these words that stands in no parenthesis; gives the place before.
    pub(crate) fn skip_to(&mut self, word: &str) -> Result<usize, Fault> {
        let (begin, mut deep) = (self.at, 0_usize);
        while !self.at_end() {
            if deep == 0 && self.take_words(&[word]) {
                return Ok(begin);
            }
            match self.peek() {
                Some(Token::LParen) => deep += 1,
                Some(Token::RParen) => deep = deep.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
        }
        self.fault(format!(
            "{} is missing; say from which table, as in FROM children",
            word.to_uppercase()
        ))
    }

    pub(crate) fn at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// The next token, as it was written.
    pub(crate) fn shown(&self) -> String {
        match self.peek() {
            None => "the end".to_owned(),
            // A text may be a child's: it is not repeated.
            Some(Token::SingleQuotedString(_)) => "a text".to_owned(),
            Some(token) => format!("`{token}`"),
        }
    }

    /// An error here.
    pub(crate) fn fault<T>(&self, what: impl Into<String>) -> Result<T, Fault> {
        Err((self.place(), what.into()))
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.is_word_ahead(0, word)
    }

    fn is_word_ahead(&self, ahead: usize, word: &str) -> bool {
        let token = self.tokens.get(self.at + ahead).map(|(token, _)| token);
        matches!(token, Some(Token::Word(of)) if of.quote_style.is_none() && of.value.eq_ignore_ascii_case(word))
    }

    /// Takes these words, where they all come next.
    pub(crate) fn take_words(&mut self, words: &[&str]) -> bool {
        let are_next =
            words.iter().enumerate().all(|(ahead, word)| self.is_word_ahead(ahead, word));
        if are_next {
            self.at += words.len();
        }
        are_next
    }

    pub(crate) fn expect_words(&mut self, words: &[&str], why: &str) -> Result<(), Fault> {
        match self.take_words(words) {
            true => Ok(()),
            false => self.fault(format!(
                "`{}` is expected, and {} stands here; {why}",
                words.join(" "),
                self.shown()
            )),
        }
    }

    pub(crate) fn take(&mut self, token: &Token) -> bool {
        let is_next = self.peek() == Some(token);
        self.at += usize::from(is_next);
        is_next
    }

    pub(crate) fn expect(&mut self, token: &Token, why: &str) -> Result<(), Fault> {
        match self.take(token) {
            true => Ok(()),
            false => self
                .fault(format!("`{token}` is expected, and {} stands here; {why}", self.shown())),
        }
    }

    pub(crate) fn is_number(&self) -> bool {
        matches!(self.peek(), Some(Token::Number(..)))
    }

    /// Whether a parenthesis follows the next word: a function's.
    pub(crate) fn is_function(&self) -> bool {
        matches!(self.peek(), Some(Token::Word(_)))
            && matches!(self.tokens.get(self.at + 1), Some((Token::LParen, _)))
    }

    pub(crate) fn name(&mut self, what: &str) -> Result<Name, Fault> {
        let place = self.place();
        match self.peek() {
            Some(Token::Word(of)) => {
                let (text, quoted) = (of.value.clone(), of.quote_style.is_some());
                self.at += 1;
                Ok(Name { text, quoted, place })
            }
            _ => self.fault(format!("{what} is expected, and {} stands here", self.shown())),
        }
    }

    pub(crate) fn text(&mut self) -> Option<String> {
        match self.peek() {
            Some(Token::SingleQuotedString(text)) => {
                let text = text.clone();
                self.at += 1;
                Some(text)
            }
            _ => None,
        }
    }

    /// A number as it was written, without its sign.
    pub(crate) fn number(&mut self) -> Option<String> {
        match self.peek() {
            Some(Token::Number(digits, false)) => {
                let digits = digits.clone();
                self.at += 1;
                Some(digits)
            }
            _ => None,
        }
    }

    /// A whole number, maybe with a sign.
    pub(crate) fn whole(&mut self) -> Result<Option<i64>, Fault> {
        let place = self.place();
        let is_negative = self.take(&Token::Minus);
        let Some(digits) = self.number() else {
            return if is_negative {
                self.fault("a number is expected behind the sign")
            } else {
                Ok(None)
            };
        };
        let signed = if is_negative { format!("-{digits}") } else { digits };
        let wrong =
            |_| (place, format!("{signed} is no whole number; columns of numbers have whole ones"));
        signed.parse().map(Some).map_err(wrong)
    }
}
