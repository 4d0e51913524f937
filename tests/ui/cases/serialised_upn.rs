//! A pupil number cannot be serialised, so that it cannot slip into a report or manifest.
use minster_identifiers::Upn;

fn main() {
    let upn = Upn::parse("Q330400024001");
    let _text = serde_json::to_string(&upn.ok());
}
