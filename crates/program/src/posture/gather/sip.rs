//! Asterisk's configuration files: sections, templates, and what they say about encryption and secrets.

use std::collections::BTreeMap;

const MOST_LINES: usize = 200_000;
const MOST_VALUE: usize = 4096;

/// One section with what it inherits.
#[derive(Debug, Default, Clone)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// A template, which is no thing of its own.
    pub template: bool,
    values: BTreeMap<String, String>,
}

impl Section {
    /// The last value of a key, in lower case as Asterisk compares it.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Whether a key says yes.
    pub fn yes(&self, key: &str) -> bool {
        self.get(key).is_some_and(|v| matches!(v.to_ascii_lowercase().as_str(), "yes" | "true" | "on" | "1"))
    }
}

/// Parses the text of one file. Inclusion is left to the caller, who reads every file of the folder.
pub fn parse(text: &str) -> Vec<Section> {
    let mut out: Vec<Section> = Vec::new();
    for line in text.lines().take(MOST_LINES) {
        let line = line.split(';').next().unwrap_or_default().trim();
        if let Some(rest) = line.strip_prefix('[') {
            if let Some((name, rest)) = rest.split_once(']') {
                let section = open(name, rest, &out);
                out.push(section);
            }
        } else if let (Some((key, value)), Some(section)) = (line.split_once('='), out.last_mut()) {
            let value = value.strip_prefix('>').unwrap_or(value).trim();
            if value.len() <= MOST_VALUE {
                section.values.insert(key.trim().to_ascii_lowercase(), value.to_owned());
            }
        }
    }
    out
}

/// `[name](!,base1,base2)`: a template, or one that takes over what its bases say; `(+)` adds to a section of the name.
fn open(name: &str, rest: &str, before: &[Section]) -> Section {
    let mut section = Section { name: name.trim().to_owned(), ..Section::default() };
    let inside = rest.trim().strip_prefix('(').and_then(|r| r.split(')').next()).unwrap_or_default();
    for word in inside.split(',').map(str::trim) {
        match word {
            "!" => section.template = true,
            "+" | "" => {}
            base => {
                if let Some(found) = before.iter().rev().find(|s| s.name == base) {
                    section.values.extend(found.values.clone());
                }
            }
        }
    }
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_comments_and_arrows_are_understood() {
        let all = parse(
            "[general] ; the first\nenabled = yes\nbindaddr=>0.0.0.0\n[secure](!)\nmedia_encryption=sdes\n[100](secure)\ntype=endpoint\n[200]\ntype=endpoint ; media_encryption=sdes\nno section here\n[broken\n",
        );
        assert_eq!(all.len(), 4);
        assert!(all[0].yes("enabled") && all[0].get("bindaddr") == Some("0.0.0.0"));
        assert!(all[1].template && !all[2].template);
        assert_eq!(all[2].get("media_encryption"), Some("sdes"));
        assert_eq!(all[3].get("media_encryption"), None);
    }
}
