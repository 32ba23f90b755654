//! Descriptors in JSON of any shape: each string of 48 hex digits is one, in the file's order.
//!
//! Its name is its key. Where the key says nothing, in lists and under `descriptor` or `parent`,
//! the name is made with the enclosing key: `tools[3]`, `git.parent`.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{ContentError, Parsed, format::without_mark};

/// How deep values may lie in each other: enough for any real file, and little enough for the
/// smallest thread's stack.
const MAX_DEPTH: usize = 256;

/// Keys that say what a value is, not what it belongs to.
const PLAIN_KEYS: [&str; 2] = ["descriptor", "parent"];

/// Reads a whole JSON text.
pub(super) fn read(text: &[u8]) -> Result<Parsed, ContentError> {
    let mut parsed = Parsed::default();
    let mut deserializer = serde_json::Deserializer::from_slice(without_mark(text));
    deserializer.disable_recursion_limit();
    Walk {
        parsed: &mut parsed,
        name: String::new(),
        depth: 0,
    }
    .deserialize(&mut deserializer)
    .and_then(|()| deserializer.end())
    .map_err(ContentError::Json)?;
    Ok(parsed)
}

/// Visits one value and those within it, collecting descriptors; no tree is ever built.
struct Walk<'a> {
    parsed: &'a mut Parsed,
    name: String,
    depth: usize,
}

impl Walk<'_> {
    fn within<E: Error>(&mut self, name: String) -> Result<Walk<'_>, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format_args!(
                "values lie deeper than {MAX_DEPTH} levels"
            )));
        }
        Ok(Walk {
            parsed: self.parsed,
            name,
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if let Ok(descriptor) = text.parse() {
            self.parsed.push(&self.name, descriptor);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let name = if PLAIN_KEYS.contains(&key.as_str()) && !self.name.is_empty() {
                format!("{}.{key}", self.name)
            } else {
                key
            };
            map.next_value_seed(self.within(name)?)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        for index in 0usize.. {
            let name = format!("{}[{index}]", self.name);
            if list.next_element_seed(self.within(name)?)?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIT: &str = "544350020002ba9f11ec0000024407d000c80d920003f202";

    fn names(text: &str) -> Vec<Option<String>> {
        let parsed = read(text.as_bytes()).unwrap();
        assert_eq!(parsed.descriptors.len(), parsed.names.len());
        parsed
            .names
            .iter()
            .map(|name| name.map(str::to_owned))
            .collect()
    }

    #[test]
    fn descriptors_are_found_at_any_depth_in_order_and_named_by_their_key() {
        let text = format!(
            r#"{{"z": {{"parent": "{GIT}", "commands": {{"git add": "{GIT}", "a": "{GIT}"}}}},
                "none": [null, true, -1, 2, 3.5, "x", "{}"],
                "tools": [["{GIT}"], {{"descriptor": "{GIT}"}}]}}"#,
            &GIT[1..]
        );
        let expected = [
            "z.parent",
            "git add",
            "a",
            "tools[0][0]",
            "tools[1].descriptor",
        ];
        assert_eq!(names(&text), expected.map(|name| Some(name.to_owned())));
        assert_eq!(names(&format!("\"{GIT}\"")), [None]);
    }

    #[test]
    fn broken_json_is_refused_with_its_line() {
        for text in [
            format!("{{\"a\": \"{GIT}\",\n"),
            format!("[\"{GIT}\"\n] x"),
            "[\n01]".into(),
        ] {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("line 2"), "{text}: {error}");
        }
    }

    #[test]
    fn depth_is_bounded_by_an_error_not_by_the_stack() {
        let nested = |depth: usize| format!("{}\"{GIT}\"{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(
            read(nested(MAX_DEPTH).as_bytes())
                .unwrap()
                .descriptors
                .len(),
            1
        );
        for text in [nested(MAX_DEPTH + 1), "[".repeat(1_000_000)] {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("256 levels"), "{error}");
        }
    }
}
