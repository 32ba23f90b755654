//! A small element tree over quick-xml: the two XML dialects here are shallow and all their data is
//! in attributes, so names, attributes and children are all that is kept.

use std::fmt::Display;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, Event};
use quick_xml::{Reader, Writer};

use crate::error::{Error, Result};

/// Deepest nesting that is read. Vitis' module trees stay below 20.
const MAX_DEPTH: usize = 128;

/// Most attributes of an element. Real ones have a dozen; the check for doubles is quadratic.
const MAX_ATTRIBUTES: usize = 256;

/// One element. `Drop` recurses, which `MAX_DEPTH` bounds.
#[derive(Debug, Default)]
pub(crate) struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
}

fn error(place: impl Display, problem: impl Into<String>) -> Error {
    Error::KernelDescription {
        place: place.to_string(),
        problem: problem.into(),
    }
}

impl Element {
    pub(crate) fn new(name: &str) -> Self {
        Element {
            name: name.to_owned(),
            ..Element::default()
        }
    }

    /// Adds an attribute.
    pub(crate) fn with(mut self, name: &str, value: impl Display) -> Self {
        self.attributes.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds a child.
    pub(crate) fn child(mut self, child: Element) -> Self {
        self.children.push(child);
        self
    }

    /// Adds children.
    pub(crate) fn extend(mut self, children: impl IntoIterator<Item = Element>) -> Self {
        self.children.extend(children);
        self
    }

    /// Reads a document and returns its root, which must be called `root`.
    pub(crate) fn parse(text: &str, root: &str) -> Result<Element> {
        let mut reader = Reader::from_str(text);
        // The first entry stands for the document and collects the root.
        let mut open = vec![Element::default()];
        loop {
            let at = reader.buffer_position();
            let place = format_args!("byte {at} of the XML").to_string();
            match reader
                .read_event()
                .map_err(|e| error(&place, e.to_string()))?
            {
                Event::Start(start) => {
                    if open.len() > MAX_DEPTH {
                        return Err(error(
                            &place,
                            format!("nested deeper than {MAX_DEPTH} elements"),
                        ));
                    }
                    open.push(Self::from_start(&start, &place)?);
                }
                Event::Empty(start) => {
                    let element = Self::from_start(&start, &place)?;
                    open.last_mut()
                        .expect("the document stays open")
                        .children
                        .push(element);
                }
                // quick-xml checks that the names match.
                Event::End(_) => {
                    let element = open.pop().expect("an end follows its start");
                    open.last_mut()
                        .expect("the document stays open")
                        .children
                        .push(element);
                }
                Event::Eof => break,
                _ => {}
            }
        }
        if let [_, .., unclosed] = open.as_slice() {
            return Err(error(
                format!("<{}>", unclosed.name),
                "the XML ends before it is closed",
            ));
        }
        let document = open.pop().expect("the document stays open");
        let found = document
            .children
            .first()
            .map_or("nothing", |element| &element.name)
            .to_owned();
        document
            .children
            .into_iter()
            .find(|element| element.name == root)
            .ok_or_else(|| {
                error(
                    "root of the XML",
                    format!("expected <{root}>, found {found}"),
                )
            })
    }

    fn from_start(start: &BytesStart<'_>, place: &str) -> Result<Element> {
        let mut element = Element::new(start.name().as_ref());
        for attribute in start.attributes() {
            if element.attributes.len() == MAX_ATTRIBUTES {
                let problem = format!("an element has more than {MAX_ATTRIBUTES} attributes");
                return Err(error(place, problem));
            }
            let attribute = attribute.map_err(|e| error(place, e.to_string()))?;
            let value = attribute
                .normalized_value(XmlVersion::default())
                .map_err(|e| error(place, e.to_string()))?;
            element
                .attributes
                .push((attribute.key.as_ref().to_owned(), value.into_owned()));
        }
        Ok(element)
    }

    /// Children of one name.
    pub(crate) fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first child of one name, or an error that says where it was expected.
    pub(crate) fn expect(&self, name: &str) -> Result<&Element> {
        self.children
            .iter()
            .find(|child| child.name == name)
            .ok_or_else(|| error(self.place(), format!("has no <{name}>")))
    }

    /// How errors call this element.
    pub(crate) fn place(&self) -> String {
        match self.attribute("name") {
            Some(name) => format!("<{} name=\"{}\">", self.name, name.escape_debug()),
            None => format!("<{}>", self.name),
        }
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|entry| entry.0 == name)
            .map(|entry| entry.1.as_str())
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str> {
        self.attribute(name)
            .ok_or_else(|| error(self.place(), format!("has no attribute {name}")))
    }

    /// A number, decimal or with 0x; absent and empty are `None`.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>> {
        let Some(text) = self
            .attribute(name)
            .map(str::trim)
            .filter(|text| !text.is_empty())
        else {
            return Ok(None);
        };
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        match digits {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        }
        .map(Some)
        .map_err(|_| {
            let text = text.escape_debug();
            error(
                self.place(),
                format!("{name}=\"{text}\" is not a number of at most 64 bits"),
            )
        })
    }

    pub(crate) fn required_number(&self, name: &str) -> Result<u64> {
        self.number(name)?
            .ok_or_else(|| error(self.place(), format!("has no number in attribute {name}")))
    }

    /// The error that says an attribute's value is none of those that are known.
    pub(crate) fn unknown(&self, name: &str, known: &str) -> Error {
        let value = self.attribute(name).unwrap_or_default().escape_debug();
        error(
            self.place(),
            format!("{name}=\"{value}\" is unknown; expected {known}"),
        )
    }

    /// The element as a document of its own.
    pub(crate) fn to_document(&self) -> String {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        let written = writer
            .write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))
            .and_then(|()| self.write(&mut writer));
        written.expect("writing to memory does not fail");
        let mut text = String::from_utf8(writer.into_inner()).expect("the tree is UTF-8");
        text.push('\n');
        text
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        let attributes = self
            .attributes
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let start = BytesStart::new(self.name.as_str()).with_attributes(attributes);
        if self.children.is_empty() {
            return writer.write_event(Event::Empty(start));
        }
        writer.write_event(Event::Start(start))?;
        for child in &self.children {
            child.write(writer)?;
        }
        writer.write_event(Event::End(BytesEnd::new(self.name.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_escaped_and_read_back() {
        let text = Element::new("root")
            .child(
                Element::new("arg")
                    .with("type", "stream<int>&")
                    .with("name", "a\"b'"),
            )
            .to_document();
        let root = Element::parse(&text, "root").unwrap();
        let arg = root.expect("arg").unwrap();
        assert_eq!(arg.attribute("type"), Some("stream<int>&"));
        assert_eq!(arg.attribute("name"), Some("a\"b'"));
    }

    #[test]
    fn broken_xml_says_where_it_breaks() {
        for (text, expected) in [
            ("", "expected <root>, found nothing"),
            ("<other/>", "expected <root>, found other"),
            ("<root><a>", "ends before it is closed"),
            ("<root></a>", "byte 6"),
            ("<root a=\"&nope;\"/>", "byte 0"),
            ("<root a=1/>", "byte 0"),
        ] {
            let error = Element::parse(text, "root").unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let wide: String = (0..300).map(|i| format!(" a{i}=''")).collect();
        let error = Element::parse(&format!("<a{wide}/>"), "a")
            .unwrap_err()
            .to_string();
        assert!(error.contains("more than 256 attributes"), "{error}");
        let deep = "<a>".repeat(1000);
        let error = Element::parse(&deep, "a").unwrap_err().to_string();
        assert!(error.contains("nested deeper"), "{error}");
    }

    #[test]
    fn numbers_are_decimal_or_hexadecimal_and_checked() {
        let root = Element::parse(
            "<r a='0x1C' b='28' c='' d='0x1FFFFFFFFFFFFFFFF' e='-1'/>",
            "r",
        )
        .unwrap();
        assert_eq!(root.number("a").unwrap(), Some(0x1C));
        assert_eq!(root.number("b").unwrap(), Some(28));
        assert_eq!(root.number("c").unwrap(), None);
        assert_eq!(root.number("missing").unwrap(), None);
        assert!(root.number("d").is_err() && root.number("e").is_err());
        assert!(
            root.required_number("c")
                .unwrap_err()
                .to_string()
                .contains("attribute c")
        );
    }
}
