//! The choices that make a flow: structure, transform of a component, base, mixing, conditioning; each has a name of its own.

use crate::Setting;
use std::fmt;
use std::str::FromStr;

/// The scheme by which the parameters of a component's transform depend on other components.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Structure {
    /// The first ⌈width / 2⌉ components condition the others and stay as they are (Dinh, Sohl-Dickstein & Bengio 2017): either way in
    /// one pass.
    #[default]
    Coupling,
    /// Each component is conditioned on all before it (Papamakarios, Pavlakou & Murray 2017): densities in one pass, draws one
    /// component after the other.
    Autoregressive,
}

impl Structure {
    /// All of them.
    pub const ALL: [Structure; 2] = [Structure::Coupling, Structure::Autoregressive];
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Structure::Coupling => "coupling",
            Structure::Autoregressive => "autoregressive",
        })
    }
}

impl FromStr for Structure {
    type Err = Setting;
    fn from_str(name: &str) -> Result<Self, Setting> {
        let found = Structure::ALL.into_iter().find(|structure| structure.to_string() == name);
        found.ok_or_else(|| Setting::new("the structure", name, "coupling or autoregressive"))
    }
}

/// The increasing function that a component goes through, its parameters given by a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TransformKind {
    /// x e^s + t, with |s| bounded.
    Affine,
    /// A monotonic spline of rational quadratics (Durkan, Bekasov, Murray & Papamakarios 2019) inside of a box, the identity outside.
    Spline {
        /// Intervals between its knots.
        bins: usize,
        /// Half a side of the box [−bound, bound]².
        bound: f32,
    },
}

impl TransformKind {
    const BINS: usize = 8;
    const BOUND: f32 = 5.0;
}

impl Default for TransformKind {
    /// A spline of 8 bins in [−5, 5]²: of standardised data little is outside.
    fn default() -> Self {
        TransformKind::Spline { bins: Self::BINS, bound: Self::BOUND }
    }
}

/// The name that [`FromStr`] reads: `affine`, or `spline:BINS:BOUND`, of which both numbers may be left out.
impl fmt::Display for TransformKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransformKind::Affine => f.write_str("affine"),
            TransformKind::Spline { bins, bound } => write!(f, "spline:{bins}:{bound}"),
        }
    }
}

impl FromStr for TransformKind {
    type Err = Setting;
    fn from_str(name: &str) -> Result<Self, Setting> {
        let mut parts = name.split(':');
        let kind = (parts.next(), parts.next(), parts.next(), parts.next());
        let bins = |text: Option<&str>| text.map_or(Some(Self::BINS), |text| text.parse().ok());
        let bound = |text: Option<&str>| text.map_or(Some(Self::BOUND), |text| text.parse().ok());
        let found = match kind {
            (Some("affine"), None, None, None) => Some(TransformKind::Affine),
            (Some("spline"), first, second, None) => {
                bins(first).zip(bound(second)).map(|(bins, bound)| TransformKind::Spline { bins, bound })
            }
            _ => None,
        };
        found.ok_or_else(|| Setting::new("the transform", name, "affine, spline or spline:BINS:BOUND"))
    }
}

/// The distribution that the data's side is mapped to.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum Base {
    /// N(0, I).
    #[default]
    Normal,
    /// Independent components of Student's t distribution: heavier tails, which a spline's linear ones cannot make of a normal.
    Student {
        /// Degrees of freedom, positive.
        degrees: f32,
    },
    /// Each component a mixture of normal distributions whose parameters depend on those before it (Papamakarios et al. 2017): it can
    /// be drawn from, but no single point stands for a row.
    Mixture {
        /// Normal distributions a component.
        components: usize,
    },
}

impl Base {
    const DEGREES: f32 = 5.0;
    const COMPONENTS: usize = 10;
}

/// The name that [`FromStr`] reads: `normal`, `student:DEGREES` or `mixture:COMPONENTS`, of which numbers may be left out.
impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Base::Normal => f.write_str("normal"),
            Base::Student { degrees } => write!(f, "student:{degrees}"),
            Base::Mixture { components } => write!(f, "mixture:{components}"),
        }
    }
}

impl FromStr for Base {
    type Err = Setting;
    fn from_str(name: &str) -> Result<Self, Setting> {
        let (kind, number) = name.split_once(':').map_or((name, None), |(kind, number)| (kind, Some(number)));
        let found = match (kind, number) {
            ("normal", None) => Some(Base::Normal),
            ("student", number) => {
                let degrees = number.map_or(Some(Self::DEGREES), |text| text.parse().ok());
                degrees.map(|degrees| Base::Student { degrees })
            }
            ("mixture", number) => {
                let components = number.map_or(Some(Self::COMPONENTS), |text| text.parse().ok());
                components.map(|components| Base::Mixture { components })
            }
            _ => None,
        };
        found.ok_or_else(|| Setting::new("the base", name, "normal, student:DEGREES or mixture:COMPONENTS"))
    }
}

/// The linear map between two transforms, so that every component comes to condition and to be conditioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Mixing {
    /// Components in reverse order.
    Reverse,
    /// A random order, drawn once.
    #[default]
    Permutation,
    /// A learned matrix P L U (Kingma & Dhariwal 2018): P fixed, L with ones on its diagonal, U with e^δ on it.
    Lu,
}

impl Mixing {
    /// All of them.
    pub const ALL: [Mixing; 3] = [Mixing::Reverse, Mixing::Permutation, Mixing::Lu];
}

impl fmt::Display for Mixing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mixing::Reverse => "reverse",
            Mixing::Permutation => "permutation",
            Mixing::Lu => "lu",
        })
    }
}

impl FromStr for Mixing {
    type Err = Setting;
    fn from_str(name: &str) -> Result<Self, Setting> {
        let found = Mixing::ALL.into_iter().find(|mixing| mixing.to_string() == name);
        found.ok_or_else(|| Setting::new("the mixing", name, "reverse, permutation or lu"))
    }
}

/// What a conditional flow is conditioned on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Conditioning {
    /// Nothing: p(x).
    #[default]
    None,
    /// The [label](crate::data::Dataset::label) of a row, below this number of classes: p(x | y).
    Labels {
        /// Classes.
        classes: usize,
    },
    /// The [target](crate::data::Dataset::target) of a row, so many numbers.
    Targets {
        /// Numbers.
        width: usize,
    },
}

impl Conditioning {
    /// Numbers of a row's context: a one among zeros for a label.
    pub fn width(self) -> usize {
        match self {
            Conditioning::None => 0,
            Conditioning::Labels { classes } => classes,
            Conditioning::Targets { width } => width,
        }
    }
}

/// The name that [`FromStr`] reads: `none`, `labels:CLASSES` or `targets:WIDTH`.
impl fmt::Display for Conditioning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Conditioning::None => f.write_str("none"),
            Conditioning::Labels { classes } => write!(f, "labels:{classes}"),
            Conditioning::Targets { width } => write!(f, "targets:{width}"),
        }
    }
}

impl FromStr for Conditioning {
    type Err = Setting;
    fn from_str(name: &str) -> Result<Self, Setting> {
        let number = |prefix: &str| name.strip_prefix(prefix).and_then(|number| number.parse().ok());
        let found = match name {
            "none" => Some(Conditioning::None),
            _ => number("labels:")
                .map(|classes| Conditioning::Labels { classes })
                .or_else(|| number("targets:").map(|width| Conditioning::Targets { width })),
        };
        found.ok_or_else(|| Setting::new("the conditioning", name, "none, labels:CLASSES or targets:WIDTH"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::{Debug, Display};

    fn read_back<T: Display + FromStr<Err = Setting> + PartialEq + Debug>(values: &[T]) {
        for value in values {
            assert_eq!(value.to_string().parse().as_ref(), Ok(value));
        }
    }

    #[test]
    fn every_name_is_read_back() {
        read_back(&Structure::ALL);
        read_back(&Mixing::ALL);
        read_back(&[
            TransformKind::Affine,
            TransformKind::Spline { bins: 3, bound: 2.5 },
            TransformKind::default(),
        ]);
        read_back(&[Base::Normal, Base::Student { degrees: 2.5 }, Base::Mixture { components: 7 }]);
        let conditions = [Conditioning::Labels { classes: 10 }, Conditioning::Targets { width: 3 }];
        read_back(&[Conditioning::None, conditions[0], conditions[1]]);
        assert_eq!("spline".parse(), Ok(TransformKind::default()));
        assert_eq!("spline:4".parse(), Ok(TransformKind::Spline { bins: 4, bound: 5.0 }));
        assert_eq!("student".parse(), Ok(Base::Student { degrees: 5.0 }));
        assert_eq!("mixture".parse(), Ok(Base::Mixture { components: 10 }));
        assert_eq!(conditions.map(Conditioning::width), [10, 3]);
    }

    #[test]
    fn other_names_are_answered_with_those_there_are() {
        let said = |error: Setting| error.to_string();
        let structure = "planar".parse::<Structure>().unwrap_err();
        assert_eq!(said(structure), "the structure is planar, but must be coupling or autoregressive");
        for wrong in ["cubic", "affine:2", "spline:x", "spline:8:y", "spline:8:5:1"] {
            let error = said(wrong.parse::<TransformKind>().unwrap_err());
            assert!(error.ends_with("but must be affine, spline or spline:BINS:BOUND"), "{error}");
        }
        for wrong in ["uniform", "normal:1", "student:x", "mixture:-1"] {
            assert!(said(wrong.parse::<Base>().unwrap_err()).starts_with(&format!("the base is {wrong}, but")));
        }
        assert!(said("glow".parse::<Mixing>().unwrap_err()).ends_with("reverse, permutation or lu"));
        assert!(said("labels".parse::<Conditioning>().unwrap_err()).contains("labels:CLASSES"));
    }
}
