//! Names of many descriptors without an allocation for each.

/// A list of names, any of which may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    text: String,
    ends: Vec<usize>,
}

impl Names {
    /// Adds a name; an empty one is a missing one.
    pub(super) fn push(&mut self, name: &str) {
        self.text.push_str(name);
        self.ends.push(self.text.len());
    }

    /// Whether any name is there.
    pub(super) fn any(&self) -> bool {
        !self.text.is_empty()
    }

    /// The name at an index; `None` when it is missing or past the end.
    pub fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.text[start..end]).filter(|name| !name.is_empty())
    }

    /// The number of names, missing ones included.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no names.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All names in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<&str>> {
        (0..self.len()).map(|index| self.get(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_in_order_and_missing_ones_as_none() {
        let mut names = Names::default();
        for name in ["git", "", "ls", ""] {
            names.push(name);
        }
        let expected = [Some("git"), None, Some("ls"), None];
        assert_eq!(names.iter().collect::<Vec<_>>(), expected);
        assert_eq!((names.len(), names.get(4)), (4, None));
    }
}
