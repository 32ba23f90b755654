//! `component.xml`, the IP-XACT (IEEE 1685) description that Vivado's packager writes: sources, registers, top module.

use std::path::Path;

use quick_xml::events::Event;
use quick_xml::{Reader, XmlVersion, escape};

use super::super::error::{LinkError, read as read_text};
use super::{Packaged, Register, arguments, number};

/// Deepest nesting that is read; real files stay below 20.
const MAX_DEPTH: usize = 64;

/// A file of a file set.
#[derive(Debug, Default)]
struct File {
    name: String,
    kind: String,
    header: bool,
}

/// What is being read.
#[derive(Debug, Default)]
struct State {
    name: String,
    /// Of each file set: its name, and its files.
    sets: Vec<(String, Vec<File>)>,
    registers: Vec<Register>,
    /// Name and value of the parameter being read.
    parameter: (String, String),
    top: Option<String>,
    control: Option<String>,
    /// IP that this one is built from.
    cores: Vec<String>,
}

/// Reads a `component.xml`; its files are relative to it.
pub(super) fn read(path: &Path) -> Result<Packaged, LinkError> {
    let state = parse(&read_text(path)?).map_err(|problem| LinkError::Description {
        path: path.to_owned(),
        problem,
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut packaged = Packaged::default();
    let toml = &mut packaged.toml;
    toml.name = Some(state.name);
    toml.top = state.top;
    toml.control = state.control;
    toml.args = arguments(state.registers);
    // Synthesis has all files that the hardware is made of; simulation may have models instead.
    let synthesis = state.sets.iter().find(|set| set.0.contains("synthesis"));
    let set = synthesis.or_else(|| state.sets.first());
    for file in set.into_iter().flat_map(|set| &set.1) {
        let at = folder.join(&file.name);
        if file.header {
            let place = at.parent().unwrap_or(folder).to_owned();
            if !toml.include.contains(&place) {
                toml.include.push(place);
            }
        } else if file.kind != "tclSource" && !file.kind.contains("xdc") {
            toml.sources.push(at);
        }
    }
    for core in state.cores {
        packaged.generated.push((core.clone(), core));
    }
    Ok(packaged)
}

fn parse(text: &str) -> Result<State, String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().trim_text(true);
    let mut state = State::default();
    let mut open: Vec<String> = Vec::new();
    let mut content = String::new();
    loop {
        let at = reader.buffer_position();
        match reader
            .read_event()
            .map_err(|error| format!("byte {at}: {error}"))?
        {
            Event::Start(start) => {
                if open.len() == MAX_DEPTH {
                    return Err(format!(
                        "byte {at}: nested deeper than {MAX_DEPTH} elements"
                    ));
                }
                let name = start.local_name();
                let name: &str = name.as_ref();
                state.start(name);
                open.push(name.to_owned());
                content.clear();
            }
            Event::Text(text) => content.push_str(&text.xml_content(XmlVersion::default())),
            Event::GeneralRef(entity) => {
                let named = escape::resolve_predefined_entity(&entity);
                content.push_str(named.unwrap_or_default());
            }
            Event::End(_) => {
                let path: Vec<&str> = open.iter().map(String::as_str).collect();
                state.end(&path, content.trim());
                open.pop();
                content.clear();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if let Some(unclosed) = open.last() {
        return Err(format!("it ends before <{unclosed}> is closed"));
    }
    if state.name.is_empty() {
        return Err("it is no IP-XACT component: it has no name".to_owned());
    }
    Ok(state)
}

impl State {
    fn start(&mut self, name: &str) {
        match name {
            "fileSet" => self.sets.push(Default::default()),
            "file" => {
                if let Some(set) = self.sets.last_mut() {
                    set.1.push(File::default());
                }
            }
            "register" => self.registers.push(Register {
                name: String::new(),
                offset: 0,
                bits: 32,
                master: None,
            }),
            "parameter" => self.parameter = Default::default(),
            _ => {}
        }
    }

    /// An element ended; `path` leads to it from the root.
    fn end(&mut self, path: &[&str], content: &str) {
        let parent = path.len().checked_sub(2).map_or("", |at| path[at]);
        match (parent, path[path.len() - 1]) {
            ("component", "name") => content.clone_into(&mut self.name),
            ("fileSet", "name") => {
                if let Some(set) = self.sets.last_mut() {
                    content.clone_into(&mut set.0);
                }
            }
            ("file", item) => {
                let Some(file) = self.sets.last_mut().and_then(|set| set.1.last_mut()) else {
                    return;
                };
                match item {
                    "name" => content.clone_into(&mut file.name),
                    "fileType" | "userFileType" if file.kind.is_empty() => {
                        content.clone_into(&mut file.kind);
                    }
                    "isIncludeFile" => file.header = content == "true",
                    _ => {}
                }
            }
            ("register", item) => {
                let Some(register) = self.registers.last_mut() else {
                    return;
                };
                match item {
                    "name" => content.clone_into(&mut register.name),
                    "addressOffset" => register.offset = number(content).unwrap_or_default(),
                    "size" => register.bits = number(content).unwrap_or(register.bits),
                    _ => {}
                }
            }
            ("parameter", "name") => content.clone_into(&mut self.parameter.0),
            ("parameter", "value") => content.clone_into(&mut self.parameter.1),
            ("parameters", "parameter") if path.contains(&"register") => {
                let (name, value) = &self.parameter;
                if let Some(register) = self.registers.last_mut()
                    && name == "ASSOCIATED_BUSIF"
                {
                    register.master = Some(value.clone());
                }
            }
            ("view", "modelName") if self.top.is_none() => self.top = Some(content.to_owned()),
            ("sdxKernelAttributes" | "vitisDrcAttributes", item)
                if item.ends_with("ctrl_protocol") =>
            {
                self.control = Some(content.to_owned());
            }
            ("componentRef" | "subCoreRef", "name") => self.cores.push(content.to_owned()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENT: &str = r#"<?xml version="1.0"?>
<spirit:component xmlns:spirit="s" xmlns:xilinx="x">
  <spirit:name>scale</spirit:name>
  <spirit:memoryMaps><spirit:memoryMap><spirit:name>s_axi_control</spirit:name><spirit:addressBlock>
    <spirit:name>reg0</spirit:name>
    <spirit:register><spirit:name>CTRL</spirit:name><spirit:addressOffset>0x000</spirit:addressOffset>
      <spirit:size>32</spirit:size>
      <spirit:field><spirit:name>AP_START</spirit:name><spirit:bitOffset>0</spirit:bitOffset></spirit:field>
    </spirit:register>
    <spirit:register><spirit:name>from</spirit:name><spirit:addressOffset>0x010</spirit:addressOffset>
      <spirit:size spirit:format="long">64</spirit:size>
      <spirit:parameters><spirit:parameter><spirit:name>ASSOCIATED_BUSIF</spirit:name>
        <spirit:value spirit:id="i">m_axi_gmem</spirit:value></spirit:parameter></spirit:parameters>
    </spirit:register>
    <spirit:register><spirit:name>factor</spirit:name><spirit:addressOffset>28</spirit:addressOffset>
      <spirit:size>32</spirit:size></spirit:register>
  </spirit:addressBlock></spirit:memoryMap></spirit:memoryMaps>
  <spirit:model><spirit:views><spirit:view><spirit:name>xilinx_verilogsynthesis</spirit:name>
    <spirit:modelName>scale_top</spirit:modelName></spirit:view></spirit:views></spirit:model>
  <spirit:fileSets>
    <spirit:fileSet><spirit:name>xilinx_simulation_fileset</spirit:name>
      <spirit:file><spirit:name>sim/model.v</spirit:name></spirit:file></spirit:fileSet>
    <spirit:fileSet><spirit:name>xilinx_verilogsynthesis_view_fileset</spirit:name>
      <spirit:file><spirit:name>src/scale.vh</spirit:name><spirit:fileType>verilogSource</spirit:fileType>
        <spirit:isIncludeFile>true</spirit:isIncludeFile></spirit:file>
      <spirit:file><spirit:name>src/scale_top.v</spirit:name><spirit:fileType>verilogSource</spirit:fileType></spirit:file>
      <spirit:file><spirit:name>xgui/scale.tcl</spirit:name><spirit:fileType>tclSource</spirit:fileType></spirit:file>
    </spirit:fileSet>
  </spirit:fileSets>
</spirit:component>"#;

    #[test]
    fn registers_sources_and_top_are_taken_from_a_component() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("component.xml");
        std::fs::write(&path, COMPONENT).expect("the file is written");
        let toml = read(&path).expect("the component is readable").toml;
        assert_eq!(toml.name.as_deref(), Some("scale"));
        assert_eq!(toml.top.as_deref(), Some("scale_top"));
        assert_eq!(toml.sources, [folder.path().join("src/scale_top.v")]);
        assert_eq!(toml.include, [folder.path().join("src")]);
        let arguments: Vec<_> = toml
            .args
            .iter()
            .map(|a| (a.name.as_str(), a.port.as_deref(), a.offset, a.size))
            .collect();
        assert_eq!(
            arguments,
            [
                ("from", Some("m_axi_gmem"), Some(0x10), Some(8)),
                ("factor", None, Some(28), Some(4))
            ]
        );
    }

    #[test]
    fn broken_components_are_refused_with_the_place() {
        for (text, said) in [
            ("<a><b></a>", "byte"),
            ("<component><name>x</name>", "before <component> is closed"),
            ("<component></component>", "no name"),
        ] {
            let problem = parse(text).expect_err("it is broken");
            assert!(problem.contains(said), "{text}: {problem}");
        }
    }
}
