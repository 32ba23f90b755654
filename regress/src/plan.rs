//! The list of tests: a TOML file with a command for each, for a shell, and lists of values that multiply them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::RegressError;

/// Where a seed is put into a command.
const SEED: &str = "{seed}";
/// Where a folder for waves is put into a command.
const FOLDER: &str = "{folder}";
/// Longest time of a test that does not say its own.
const SECONDS: u64 = 900;

/// One test: a command that succeeds or fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// What it is called in reports.
    pub name: String,
    /// The command for a shell, with `{seed}` where a seed belongs if it is a random one.
    pub command: String,
    /// A command that records the waves of a failure into `{folder}`.
    pub waves: Option<String>,
    /// After this time it is ended, and has failed.
    pub limit: Duration,
}

impl Test {
    /// Whether another seed makes it another test.
    pub fn is_random(&self) -> bool {
        self.command.contains(SEED)
    }

    /// The one command that repeats it.
    pub fn command_for(&self, seed: u64) -> String {
        self.command.replace(SEED, &seed.to_string())
    }

    /// The command that records its waves into a folder.
    pub fn waves_for(&self, seed: u64, folder: &Path) -> Option<String> {
        let command = self.waves.as_ref()?.replace(SEED, &seed.to_string());
        Some(command.replace(FOLDER, &folder.to_string_lossy()))
    }
}

/// All tests of a regression, in the order in which they are started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The tests, no two of one name.
    pub tests: Vec<Test>,
}

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    test: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    command: String,
    waves: Option<String>,
    #[serde(default = "seconds")]
    seconds: u64,
    /// Values for `{key}` in the texts; each combination is a test.
    #[serde(default)]
    each: BTreeMap<String, Vec<String>>,
}

fn seconds() -> u64 {
    SECONDS
}

impl Plan {
    /// Reads a list of tests.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is no such list, or names two tests alike.
    pub fn read(path: &Path) -> Result<Self, RegressError> {
        let text = std::fs::read_to_string(path).map_err(RegressError::file(path))?;
        Self::parse(&text).map_err(|message| RegressError::Plan {
            path: path.to_owned(),
            message,
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: PlanFile = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut tests: Vec<Test> = Vec::new();
        for entry in &file.test {
            for test in entry.expand() {
                if tests.iter().any(|known| known.name == test.name) {
                    return Err(format!(
                        "two tests are named {:?}: name each key of `each` in `name`",
                        test.name
                    ));
                }
                tests.push(test);
            }
        }
        Ok(Self { tests })
    }

    /// Keeps the tests whose names contain one of these; all of them if there is none.
    ///
    /// # Errors
    ///
    /// One of the texts is in no name.
    pub fn choose(mut self, wanted: &[String]) -> Result<Self, RegressError> {
        for one in wanted {
            if !self.tests.iter().any(|test| test.name.contains(one)) {
                return Err(RegressError::NothingChosen(one.clone()));
            }
        }
        self.tests
            .retain(|test| wanted.is_empty() || wanted.iter().any(|one| test.name.contains(one)));
        Ok(self)
    }
}

impl Entry {
    fn expand(&self) -> Vec<Test> {
        let mut combinations = vec![Vec::new()];
        for (key, values) in &self.each {
            let longer = combinations.iter().flat_map(|combination| {
                values.iter().map(move |value| {
                    let mut longer: Vec<(String, &String)> = combination.clone();
                    longer.push((format!("{{{key}}}"), value));
                    longer
                })
            });
            combinations = longer.collect();
        }
        let fill = |text: &str, values: &[(String, &String)]| {
            values.iter().fold(text.to_owned(), |text, (key, value)| {
                text.replace(key, value)
            })
        };
        combinations
            .iter()
            .map(|values| Test {
                name: fill(&self.name, values),
                command: fill(&self.command, values),
                waves: self.waves.as_deref().map(|waves| fill(waves, values)),
                limit: Duration::from_secs(self.seconds),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_multiply_a_test_and_the_seed_is_put_in_last() {
        let plan = Plan::parse(
            r#"
            [[test]]
            name = "{b} {a}"
            command = "run {a} {b} {seed}"
            waves = "waves {a} {seed} {folder}"
            [test.each]
            a = ["1", "2"]
            b = ["x", "y"]
            [[test]]
            name = "alone"
            command = "once"
            seconds = 7
            "#,
        )
        .unwrap();
        let names: Vec<_> = plan.tests.iter().map(|test| test.name.as_str()).collect();
        assert_eq!(names, ["x 1", "y 1", "x 2", "y 2", "alone"]);
        assert_eq!(plan.tests[1].command_for(5), "run 1 y 5");
        let waves = plan.tests[1].waves_for(5, Path::new("/f"));
        assert_eq!(waves.unwrap(), "waves 1 5 /f");
        assert!(plan.tests[0].is_random() && !plan.tests[4].is_random());
        assert_eq!(plan.tests[4].limit, Duration::from_secs(7));
    }

    #[test]
    fn what_is_no_list_is_refused_with_its_place() {
        let twice = "[[test]]\nname = \"a\"\ncommand = \"\"\neach = { k = [\"1\", \"2\"] }\n";
        assert!(Plan::parse(twice).unwrap_err().contains("two tests"));
        let unknown = "[[test]]\nname = \"a\"\ncommand = \"\"\ncomand = \"\"\n";
        assert!(Plan::parse(unknown).unwrap_err().contains("comand"));
    }

    #[test]
    fn tests_are_chosen_by_parts_of_their_names() {
        let text =
            "[[test]]\nname = \"t {k}\"\ncommand = \"\"\neach = { k = [\"12\", \"2\", \"3\"] }\n";
        let plan = Plan::parse(text).unwrap();
        let two = plan.clone().choose(&["2".to_owned()]).unwrap();
        assert_eq!(two.tests.len(), 2);
        assert!(plan.clone().choose(&["4".to_owned()]).is_err());
        assert_eq!(plan.choose(&[]).unwrap().tests.len(), 3);
    }
}
