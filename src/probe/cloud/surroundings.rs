//! What a pod's environment says: where to ask for what, by the names that AWS' SDKs read.

use super::secret;

/// The environment of the process, or what stands for it in a test. A variable that is empty is not there.
#[derive(Clone, Copy)]
pub(super) struct Surroundings(fn(&str) -> Option<String>);

impl Surroundings {
    pub(super) fn of_process() -> Self {
        Self(|name| std::env::var(name).ok())
    }

    #[cfg(test)]
    pub(super) fn of(look: fn(&str) -> Option<String>) -> Self {
        Self(look)
    }

    pub(super) fn get(self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    pub(super) fn is_true(self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The region of the pod.
    pub(super) fn region(self) -> Option<String> {
        let named = self.get("AWS_REGION").or_else(|| self.get("AWS_DEFAULT_REGION"))?;
        secret::region(&named)
    }

    /// Where a service is to be asked instead of at AWS' own address.
    pub(super) fn endpoint(self, service: &str) -> Option<String> {
        if self.is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
            return None;
        }
        self.get(&format!("AWS_ENDPOINT_URL_{service}")).or_else(|| self.get("AWS_ENDPOINT_URL"))
    }
}
