//! What externs are in a kernel.

use btf::{Btf, Endian, Kind, TypeId};

use crate::core::{Budget, are_compatible};
use crate::externs::{Config, ConfigType, ExternKind};
use crate::kernel::{Kernel, usual};
use crate::{Extern, Object, Problem};

/// Where a symbol is assumed to be if nothing is known of the kernel's symbols.
const SOMEWHERE: u64 = 0xffff_ffff_8100_0000;

/// What became of an extern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Resolution {
    /// It lies in the `.kconfig` map at this offset in bytes.
    Config(u32),
    /// It is this function or variable of the kernel's type information.
    Type(TypeId),
    /// It is this address.
    Address(u64),
    /// It is weak, and the kernel does not have it.
    Absent,
    /// It cannot be resolved; programs that refer to it cannot be linked.
    Failed(Problem),
}

/// What the externs of an object are.
pub(super) struct Resolutions {
    pub(super) all: Vec<Resolution>,
    /// The bytes of `.kconfig`.
    pub(super) config: Vec<u8>,
    /// Names of externs whose values are assumed.
    pub(super) assumed: Vec<String>,
}

impl Resolutions {
    pub(super) fn of(object: &Object, kernel: &Kernel<'_>) -> Self {
        let (all, config) = (Vec::new(), Vec::new());
        let mut resolutions = Resolutions { all, config, assumed: Vec::new() };
        for one in &object.externs {
            let resolution =
                resolutions.resolve(object, kernel, one).unwrap_or_else(Resolution::Failed);
            resolutions.all.push(resolution);
        }
        resolutions
    }

    fn resolve(
        &mut self,
        object: &Object,
        kernel: &Kernel<'_>,
        one: &Extern,
    ) -> Result<Resolution, Problem> {
        let missing = || match one.weak {
            true => Ok(Resolution::Absent),
            false => Err(Problem::UnresolvedExtern(one.name.clone())),
        };
        let incompatible = |kernel| Problem::IncompatibleExtern { name: one.name.clone(), kernel };
        let btf = object.btf.as_ref().ok_or(Problem::NoBtf);
        match one.kind {
            ExternKind::Undeclared => Err(Problem::UndeclaredExtern(one.name.clone())),
            ExternKind::Unsupported(reason) => {
                Err(Problem::BadExtern { name: one.name.clone(), reason })
            }
            ExternKind::Config(config) => self.configure(object.endian, kernel, one, config),
            ExternKind::Address => Ok(Resolution::Address(match &kernel.symbols {
                Some(symbols) => match symbols.get(&one.name) {
                    Some(&address) => address,
                    None => return missing(),
                },
                None => {
                    self.assumed.push(one.name.clone());
                    if one.weak { 0 } else { SOMEWHERE }
                }
            })),
            ExternKind::Variable { ty } => {
                let Some(variable) = kernel.btf.find(&one.name, Kind::Var) else {
                    return missing();
                };
                let target = variable.target().and_then(|id| kernel.btf.resolve(id));
                let target = target.map_or(TypeId::VOID, |ty| ty.id());
                if compatible(btf?, ty, kernel.btf, target) {
                    Ok(Resolution::Type(variable.id()))
                } else {
                    Err(incompatible(target))
                }
            }
            ExternKind::Function { prototype } => {
                let name = btf::essential_name(&one.name);
                let Some(function) = kernel.btf.find(name, Kind::Func) else { return missing() };
                let target = function.target().unwrap_or_default();
                if compatible(btf?, prototype, kernel.btf, target) {
                    Ok(Resolution::Type(function.id()))
                } else if one.weak {
                    Ok(Resolution::Absent)
                } else {
                    Err(incompatible(target))
                }
            }
        }
    }

    /// Stores a value of the configuration.
    fn configure(
        &mut self,
        endian: Endian,
        kernel: &Kernel<'_>,
        one: &Extern,
        config: Config,
    ) -> Result<Resolution, Problem> {
        let name = one.name.as_str();
        let virtual_value = match name {
            "LINUX_KERNEL_VERSION" => Some(kernel.version.to_string()),
            // Both hold of every kernel that is modelled.
            "LINUX_HAS_BPF_COOKIE" | "LINUX_HAS_SYSCALL_WRAPPER" => Some("1".to_owned()),
            _ => None,
        };
        let is_virtual = virtual_value.is_some();
        let value = match (virtual_value, &kernel.config) {
            (Some(value), _) => Some(value),
            (None, _) if !name.starts_with("CONFIG_") => None,
            (None, Some(config)) => config.get(name).map(str::to_owned),
            (None, None) => {
                self.assumed.push(name.to_owned());
                let nothing = match config.ty {
                    ConfigType::Text => "\"\"",
                    ConfigType::Bool | ConfigType::Tristate => "n",
                    ConfigType::Char { .. } | ConfigType::Int { .. } => "0",
                };
                let value = usual(name).filter(|value| encode(endian, value, config).is_some());
                // What is weak and not usual is taken not to be set.
                value.or((!one.weak).then_some(nothing)).map(str::to_owned)
            }
        };
        let bytes = match &value {
            Some(value) if is_virtual => number(endian, value, config),
            Some(value) => encode(endian, value, config),
            None if one.weak => Some(Vec::new()),
            None => return Err(Problem::UnresolvedExtern(name.to_owned())),
        };
        let value = value.unwrap_or_default();
        let bytes = bytes.ok_or(Problem::ConfigValue { name: name.to_owned(), value })?;
        let start = config.offset as usize;
        if !bytes.is_empty() {
            if self.config.len() < start + bytes.len() {
                self.config.resize(start + bytes.len(), 0);
            }
            self.config[start..start + bytes.len()].copy_from_slice(&bytes);
        }
        Ok(Resolution::Config(config.offset))
    }
}

fn compatible(local: &Btf<'_>, a: TypeId, kernel: &Btf<'_>, b: TypeId) -> bool {
    are_compatible(local, a, kernel, b, &mut Budget::new()).unwrap_or(false)
}

/// The bytes of a value as it stands in a configuration file; `None` if it does not fit the type.
fn encode(endian: Endian, value: &str, config: Config) -> Option<Vec<u8>> {
    match (value.as_bytes().first()?, config.ty) {
        (b'm', ConfigType::Bool) => None,
        (b'y' | b'n', ConfigType::Bool) => Some(vec![u8::from(value.starts_with('y'))]),
        (b'y' | b'n' | b'm', ConfigType::Tristate) => {
            let number = match value.as_bytes()[0] {
                b'n' => 0u32,
                b'y' => 1,
                _ => 2,
            };
            match config.size {
                8 => Some(endian.u64_bytes(number.into()).to_vec()),
                _ => Some(endian.u32_bytes(number).to_vec()),
            }
        }
        (&letter @ (b'y' | b'n' | b'm'), ConfigType::Char { .. }) => Some(vec![letter]),
        (b'"', ConfigType::Text) => {
            let text = value.strip_prefix('"')?.strip_suffix('"')?;
            let room = config.size.saturating_sub(1) as usize;
            let mut bytes = text.as_bytes()[..text.len().min(room)].to_vec();
            bytes.push(0);
            Some(bytes)
        }
        (_, ConfigType::Char { .. } | ConfigType::Int { .. }) => number(endian, value, config),
        _ => None,
    }
}

fn number(endian: Endian, value: &str, config: Config) -> Option<Vec<u8>> {
    let (negative, digits) = match value.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, value),
    };
    let magnitude = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None if digits.len() > 1 && digits.starts_with('0') => u64::from_str_radix(digits, 8),
        None => digits.parse(),
    }
    .ok()?;
    let number = if negative { magnitude.wrapping_neg() } else { magnitude };
    let signed = match config.ty {
        ConfigType::Bool if number > 1 => return None,
        ConfigType::Bool => false,
        ConfigType::Char { signed } | ConfigType::Int { signed } => signed,
        ConfigType::Tristate | ConfigType::Text => return None,
    };
    let bits = config.size * 8;
    let fits = bits >= 64
        || if signed {
            number.wrapping_add(1 << (bits - 1)) < 1 << bits
        } else {
            number >> bits == 0
        };
    let all = endian.u64_bytes(number);
    let size = config.size as usize;
    let bytes = match endian {
        Endian::Little => all.get(..size),
        Endian::Big => all.get(8usize.checked_sub(size)?..),
    };
    bytes.filter(|_| fits).map(<[u8]>::to_vec)
}
