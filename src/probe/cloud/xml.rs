//! The few things that are read from AWS' XML: the root, and the texts of elements by their names.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use zeroize::Zeroize;

/// AWS' own answers are no deeper.
const DEPTH_MAX: usize = 16;
/// Nor do they have more elements with a text, up to a list of a thousand objects, of which few are asked for.
const TEXTS_MAX: usize = 512;

/// A document that was read to its end. It may hold credentials, so it is wiped, and it is not shown.
pub(super) struct Document {
    pub(super) root: String,
    /// Names of elements and their texts, in their order.
    texts: Vec<(String, String)>,
}

impl Document {
    /// Reads a document; `None` for what is none, or breaks off.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut reader = Reader::from_str(text);
        let mut document = Self { root: String::new(), texts: Vec::new() };
        let mut open: Vec<(String, String)> = Vec::new();
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) => {
                    let name = str::from_utf8(start.local_name().into_inner()).ok()?.to_owned();
                    if open.is_empty() && document.root.is_empty() {
                        document.root.clone_from(&name);
                    }
                    open.push((name, String::new()));
                    (open.len() <= DEPTH_MAX).then_some(())?;
                }
                Event::Text(text) => push(&mut open, &text.xml10_content().ok()?),
                Event::CData(text) => push(&mut open, &text.xml10_content().ok()?),
                Event::GeneralRef(entity) => {
                    let resolved = match entity.resolve_char_ref().ok()? {
                        Some(letter) => letter.to_string(),
                        None => resolve_predefined_entity(&entity.decode().ok()?)?.to_owned(),
                    };
                    push(&mut open, &resolved);
                }
                Event::End(_) => {
                    let (name, text) = open.pop()?;
                    if !text.trim().is_empty() && document.texts.len() < TEXTS_MAX {
                        document.texts.push((name, text));
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        (open.is_empty() && !document.root.is_empty()).then_some(document)
    }

    /// The text of the first element of this name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(found, _)| found == name).map(|(_, text)| text.trim())
    }

    /// The error that it is.
    pub(super) fn is_error(&self) -> bool {
        matches!(self.root.as_str(), "Error" | "ErrorResponse")
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        for (_, text) in &mut self.texts {
            text.zeroize();
        }
    }
}

fn push(open: &mut [(String, String)], text: &str) {
    if let Some((_, place)) = open.last_mut() {
        place.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ERROR: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>a &amp; b &#65; \
                         <![CDATA[<c>]]></Message><RequestId>4442587FB7D0A2F9</RequestId><Empty/></Error>";

    #[test]
    fn an_error_is_read() {
        let document = Document::read(ERROR).unwrap();
        assert!(document.is_error());
        assert_eq!(document.get("Code"), Some("AccessDenied"));
        assert_eq!(document.get("Message"), Some("a & b A <c>"));
        assert_eq!(document.get("Nothing"), None);
    }

    #[test]
    fn names_are_read_without_their_prefix() {
        let document = Document::read("<a:R xmlns:a=\"x\"><a:Arn>arn:aws</a:Arn></a:R>").unwrap();
        assert_eq!((document.root.as_str(), document.get("Arn")), ("R", Some("arn:aws")));
    }

    #[test]
    fn what_breaks_off_is_none() {
        for end in 0..ERROR.len() - 1 {
            assert!(Document::read(&ERROR[..end]).is_none(), "cut at {end}");
        }
    }

    #[test]
    fn what_is_no_xml_is_none() {
        for text in
            ["", "Access Denied", "{\"a\": 1}", "<a><b></a></b>", "&unknown;", "<a>&unknown;</a>", &"<a>".repeat(100)]
        {
            assert!(Document::read(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_an_end(text in "[<>/a-c&;!\\[\\]\" -]{0,80}") {
            let _ = Document::read(&text);
        }
    }
}
