//! An XML schema as a tree of elements.

use std::{collections::HashMap, fs, path::Path};

use quick_xml::{Reader, XmlVersion, events::Event};

/// An element that a document may hold.
pub(crate) struct Element {
    pub(crate) name: String,
    /// Whether it may stand more than once.
    pub(crate) repeats: bool,
    pub(crate) content: Content,
}

/// Elements in their order, or a text.
pub(crate) enum Content {
    Elements(Vec<Element>),
    Text(Text),
}

/// The rule of a text.
#[derive(Clone, Default)]
pub(crate) struct Text {
    /// The type of the schema language, `xs:date` say.
    pub(crate) base: String,
    pub(crate) codes: Vec<String>,
    pub(crate) pattern: Option<String>,
}

impl Element {
    /// Reads a schema, and gives the element that is the document.
    pub(crate) fn read(path: &Path) -> Self {
        let schema = Node::parse(&fs::read_to_string(path).unwrap());
        let mut types = Types::default();
        for node in &schema.children {
            match node.name.as_str() {
                "complexType" => types.complex.insert(node.get("name").unwrap(), node),
                "simpleType" => types.simple.insert(node.get("name").unwrap(), node),
                _ => None,
            };
        }
        types.element(schema.child("element").unwrap())
    }

    /// The most codes that a text of it, or below it, may be.
    pub(crate) fn most_codes(&self) -> usize {
        match &self.content {
            Content::Elements(elements) => elements.iter().map(Self::most_codes).max().unwrap_or(0),
            Content::Text(text) => text.codes.len(),
        }
    }
}

/// The named types of a schema.
#[derive(Default)]
struct Types<'a> {
    complex: HashMap<&'a str, &'a Node>,
    simple: HashMap<&'a str, &'a Node>,
}

impl Types<'_> {
    fn element(&self, node: &Node) -> Element {
        let own = node.child("complexType");
        let complex =
            own.or_else(|| node.get("type").and_then(|name| self.complex.get(name).copied()));
        let content = match (complex, node.child("simpleType"), node.get("type")) {
            (Some(complex), ..) => Content::Elements(self.elements(complex)),
            (None, Some(simple), _) => Content::Text(self.restricted(simple)),
            (None, None, Some(name)) => Content::Text(self.text(name)),
            (None, None, None) => panic!("an element has no type"),
        };
        Element {
            name: node.get("name").unwrap().to_owned(),
            repeats: node.get("maxOccurs").is_some_and(|most| most != "1"),
            content,
        }
    }

    fn elements(&self, complex: &Node) -> Vec<Element> {
        let [sequence] = complex.children.as_slice() else { panic!("a type is not one sequence") };
        assert_eq!(sequence.name, "sequence", "this test reads sequences alone");
        let elements = sequence.children.iter().map(|node| {
            assert_eq!(node.name, "element", "this test reads sequences of elements alone");
            self.element(node)
        });
        elements.collect()
    }

    fn text(&self, name: &str) -> Text {
        match self.simple.get(name) {
            Some(simple) => self.restricted(simple),
            None => {
                assert!(name.starts_with("xs:"), "there is no type {name}");
                Text { base: name.to_owned(), ..Text::default() }
            }
        }
    }

    fn restricted(&self, simple: &Node) -> Text {
        let restriction = simple.child("restriction").unwrap();
        let mut text = self.text(restriction.get("base").unwrap());
        for facet in &restriction.children {
            let value = facet.get("value").unwrap().to_owned();
            match facet.name.as_str() {
                "enumeration" => text.codes.push(value),
                "pattern" => text.pattern = Some(value),
                "minLength" | "minInclusive" => {}
                other => panic!("this test does not read {other}"),
            }
        }
        text
    }
}

/// Any element of an XML file; texts and comments are left out.
#[derive(Default)]
struct Node {
    name: String,
    attributes: HashMap<String, String>,
    children: Vec<Node>,
}

impl Node {
    fn parse(text: &str) -> Self {
        let mut reader = Reader::from_str(text);
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().unwrap() {
                Event::Start(tag) => open.push(Self::of(&tag)),
                Event::Empty(tag) => open.last_mut().unwrap().children.push(Self::of(&tag)),
                Event::End(_) => {
                    let closed = open.pop().unwrap();
                    open.last_mut().unwrap().children.push(closed);
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let mut whole = open.pop().unwrap();
        whole.children.pop().unwrap()
    }

    fn of(tag: &quick_xml::events::BytesStart<'_>) -> Self {
        let attributes = tag.attributes().map(|attribute| {
            let attribute = attribute.unwrap();
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).unwrap();
            (attribute.key.as_ref().to_owned(), value.into_owned())
        });
        Self {
            name: tag.local_name().as_ref().to_owned(),
            attributes: attributes.collect(),
            children: Vec::new(),
        }
    }

    fn get(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).map(String::as_str)
    }

    fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }
}
