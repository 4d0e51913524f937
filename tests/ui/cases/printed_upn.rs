//! A pupil number has no text form.
use minster_identifiers::Upn;

fn main() {
    if let Ok(upn) = Upn::parse("Q330400024001") {
        let _text = upn.to_string();
    }
}
