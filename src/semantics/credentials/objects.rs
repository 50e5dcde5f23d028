//! Which fields of an object hold text, each with its place.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, EnvVar, ExecAction, HTTPHeader, Lifecycle, LifecycleHandler, Pod, Probe};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value as Json;

use super::base64;
use super::documents::segment;

/// A field with its text.
pub struct Field<'a> {
    /// Its place in the object.
    pub at: String,
    /// The name over the text, such as that of a variable.
    pub name: &'a str,
    /// The text.
    pub text: &'a str,
}

/// Fields that stand beside each other: what is found in one explains what is found in another.
pub type Siblings<'a> = Vec<Field<'a>>;

/// The texts of a pod: each container's environment, arguments and probes; annotations and labels; what
/// volumes are told.
#[must_use]
pub fn of_pod(pod: &Pod) -> Vec<Siblings<'_>> {
    let mut all = vec![of_metadata(&pod.metadata)];
    let Some(spec) = &pod.spec else { return all };
    for (list, containers) in
        [("containers", Some(&spec.containers)), ("initContainers", spec.init_containers.as_ref())]
    {
        for container in containers.into_iter().flatten() {
            all.push(of_container(&ContainerTexts {
                at: format!("spec.{list}[{}]", container.name),
                env: container.env.as_deref().unwrap_or_default(),
                command: container.command.as_deref().unwrap_or_default(),
                args: container.args.as_deref().unwrap_or_default(),
                probes: [&container.liveness_probe, &container.readiness_probe, &container.startup_probe],
                lifecycle: container.lifecycle.as_ref(),
            }));
        }
    }
    for container in spec.ephemeral_containers.iter().flatten() {
        all.push(of_container(&ContainerTexts {
            at: format!("spec.ephemeralContainers[{}]", container.name),
            env: container.env.as_deref().unwrap_or_default(),
            command: container.command.as_deref().unwrap_or_default(),
            args: container.args.as_deref().unwrap_or_default(),
            probes: [&None, &None, &None],
            lifecycle: None,
        }));
    }
    for volume in spec.volumes.iter().flatten() {
        let at = format!("spec.volumes[{}]", volume.name);
        let csi = volume.csi.as_ref().and_then(|csi| csi.volume_attributes.as_ref());
        let flex = volume.flex_volume.as_ref().and_then(|flex| flex.options.as_ref());
        all.push(of_map(&format!("{at}.csi.volumeAttributes"), csi));
        all.push(of_map(&format!("{at}.flexVolume.options"), flex));
    }
    all.retain(|siblings| !siblings.is_empty());
    all
}

/// The texts of a ConfigMap. What is binary and no text is left out: [`opaque`] counts it.
#[must_use]
pub fn of_config_map(map: &ConfigMap) -> Vec<Siblings<'_>> {
    let mut data = of_map("data", map.data.as_ref());
    for (key, bytes) in map.binary_data.iter().flatten() {
        if let Ok(text) = std::str::from_utf8(&bytes.0) {
            data.push(Field { at: format!("binaryData[{}]", segment(key)), name: key, text });
        }
    }
    let keys =
        map.data.iter().flatten().map(|(key, _)| key).chain(map.binary_data.iter().flatten().map(|(key, _)| key));
    data.extend(keys.map(|key| Field { at: "a key's own name".to_owned(), name: "", text: key }));
    let mut all = vec![of_metadata(&map.metadata), data];
    all.retain(|siblings| !siblings.is_empty());
    all
}

/// How many values of a ConfigMap are no text: they were not looked into.
#[must_use]
pub fn opaque(map: &ConfigMap) -> usize {
    map.binary_data.iter().flatten().filter(|(_, bytes)| std::str::from_utf8(&bytes.0).is_err()).count()
}

/// A Secret as it was read, with its values decoded. It can't be shown.
pub struct SecretTexts {
    /// Its type.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// How many values are no text: they were not looked into.
    pub opaque: usize,
    metadata: ObjectMeta,
    texts: Vec<(String, String)>,
}

impl SecretTexts {
    /// Reads a Secret. It is not a typed one on purpose: nothing here can ask for another.
    #[must_use]
    pub fn of(secret: &Json) -> Self {
        let text = |pointer: &str| secret.pointer(pointer).and_then(Json::as_str).unwrap_or_default().to_owned();
        let mut one = Self {
            kind: text("/type"),
            name: text("/metadata/name"),
            opaque: 0,
            metadata: secret
                .get("metadata")
                .and_then(|metadata| serde_json::from_value(metadata.clone()).ok())
                .unwrap_or_default(),
            texts: Vec::new(),
        };
        for (key, value) in secret.get("data").and_then(Json::as_object).into_iter().flatten() {
            let bytes = value.as_str().filter(|value| !value.is_empty()).map(base64::decode);
            match bytes.map(|bytes| bytes.and_then(|bytes| String::from_utf8(bytes).ok())) {
                Some(Some(text)) => one.texts.push((key.clone(), text)),
                Some(None) => one.opaque += 1,
                None => {}
            }
        }
        one
    }

    /// Its texts.
    #[must_use]
    pub fn fields(&self) -> Vec<Siblings<'_>> {
        let data = self.texts.iter();
        let data = data.map(|(key, text)| Field { at: format!("data[{}]", segment(key)), name: key, text });
        let mut all: Vec<Siblings<'_>> = vec![of_metadata(&self.metadata), data.collect()];
        all.retain(|siblings| !siblings.is_empty());
        all
    }
}

fn of_metadata(metadata: &ObjectMeta) -> Siblings<'_> {
    let mut all = of_map("metadata.annotations", metadata.annotations.as_ref());
    all.extend(of_map("metadata.labels", metadata.labels.as_ref()));
    all
}

fn of_map<'a>(at: &str, map: Option<&'a BTreeMap<String, String>>) -> Siblings<'a> {
    let field =
        |(key, text): (&'a String, &'a String)| Field { at: format!("{at}[{}]", segment(key)), name: key, text };
    map.into_iter().flatten().map(field).collect()
}

/// What a container of any kind has.
struct ContainerTexts<'a> {
    at: String,
    env: &'a [EnvVar],
    command: &'a [String],
    args: &'a [String],
    probes: [&'a Option<Probe>; 3],
    lifecycle: Option<&'a Lifecycle>,
}

fn of_container<'a>(container: &ContainerTexts<'a>) -> Siblings<'a> {
    let at = &container.at;
    let mut all: Siblings<'a> = container
        .env
        .iter()
        .filter_map(|variable| {
            let text = variable.value.as_deref()?;
            Some(Field { at: format!("{at}.env[{}].value", segment(&variable.name)), name: &variable.name, text })
        })
        .collect();
    of_words(&format!("{at}.command"), container.command, &mut all);
    of_words(&format!("{at}.args"), container.args, &mut all);
    for (name, probe) in ["livenessProbe", "readinessProbe", "startupProbe"].into_iter().zip(container.probes) {
        let Some(probe) = probe else { continue };
        let at = format!("{at}.{name}");
        of_exec(&at, probe.exec.as_ref(), &mut all);
        of_headers(&at, probe.http_get.as_ref().and_then(|get| get.http_headers.as_deref()), &mut all);
    }
    let hooks =
        container.lifecycle.map(|lifecycle| [("postStart", &lifecycle.post_start), ("preStop", &lifecycle.pre_stop)]);
    for (name, hook) in hooks.into_iter().flatten() {
        let Some(LifecycleHandler { exec, http_get, .. }) = hook else { continue };
        let at = format!("{at}.lifecycle.{name}");
        of_exec(&at, exec.as_ref(), &mut all);
        of_headers(&at, http_get.as_ref().and_then(|get| get.http_headers.as_deref()), &mut all);
    }
    all
}

/// The words of a command line. A word behind `--name` stands under that name.
fn of_words<'a>(at: &str, words: &'a [String], all: &mut Siblings<'a>) {
    let mut name = "";
    for (index, text) in words.iter().enumerate() {
        all.push(Field { at: format!("{at}[{index}]"), name, text });
        name = if text.starts_with('-') && !text.contains('=') { text } else { "" };
    }
}

fn of_exec<'a>(at: &str, exec: Option<&'a ExecAction>, all: &mut Siblings<'a>) {
    let command = exec.and_then(|exec| exec.command.as_deref());
    of_words(&format!("{at}.exec.command"), command.unwrap_or_default(), all);
}

fn of_headers<'a>(at: &str, headers: Option<&'a [HTTPHeader]>, all: &mut Siblings<'a>) {
    all.extend(headers.into_iter().flatten().map(|header| Field {
        at: format!("{at}.httpGet.httpHeaders[{}]", segment(&header.name)),
        name: &header.name,
        text: &header.value,
    }));
}
