//! Address blocks: `ipBlock` with its exceptions.

use std::net::IpAddr;

use k8s_openapi::api::networking::v1::IPBlock;

use super::policy::Fault;

/// A network in CIDR notation, its host bits cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::semantics) struct Cidr {
    bits: u128,
    v6: bool,
    length: u8,
}

impl Cidr {
    /// Reads `10.0.0.0/8` or `fd00::/8`. Host bits may be set, as the API allows; they don't count.
    pub(in crate::semantics) fn parse(text: &str) -> Result<Self, Fault> {
        let fault = || Fault::Cidr(text.to_owned());
        let (address, length) = text.split_once('/').ok_or_else(fault)?;
        let written: IpAddr = address.parse().map_err(|_| fault())?;
        if length.is_empty() || !length.bytes().all(|b| b.is_ascii_digit()) {
            return Err(fault());
        }
        let mut length: u8 = length.parse().map_err(|_| fault())?;
        let width = if written.is_ipv6() { 128 } else { 32 };
        if length > width {
            return Err(fault());
        }
        let address = written.to_canonical();
        if written.is_ipv6() && address.is_ipv4() {
            // An IPv4-mapped network: only its last 32 bits tell networks apart.
            length = length.checked_sub(96).ok_or_else(fault)?;
        }
        let v6 = address.is_ipv6();
        Ok(Self { bits: bits(address) & mask(v6, length), v6, length })
    }

    pub(in crate::semantics) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv6() == self.v6 && bits(address) & mask(self.v6, self.length) == self.bits
    }

    fn within(&self, outer: &Self) -> bool {
        self.v6 == outer.v6 && self.length > outer.length && self.bits & mask(self.v6, outer.length) == outer.bits
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

const fn mask(v6: bool, length: u8) -> u128 {
    if v6 {
        if length == 0 { 0 } else { u128::MAX << (128 - length as u32) }
    } else if length == 0 {
        0
    } else {
        ((u32::MAX << (32 - length as u32)) as u128) & 0xffff_ffff
    }
}

/// An `ipBlock`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Block {
    cidr: Cidr,
    except: Vec<Cidr>,
}

impl Block {
    /// Reads the block and holds it to the API's validation: every exception lies strictly inside.
    pub(super) fn compile(block: &IPBlock) -> Result<Self, Fault> {
        let cidr = Cidr::parse(&block.cidr)?;
        let mut except = Vec::new();
        for text in block.except.iter().flatten() {
            let inner = Cidr::parse(text)?;
            if !inner.within(&cidr) {
                return Err(Fault::Except { except: text.clone(), cidr: block.cidr.clone() });
            }
            except.push(inner);
        }
        Ok(Self { cidr, except })
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.cidr.contains(address) && !self.except.iter().any(|except| except.contains(address))
    }
}
