//! Arithmetic, functions, comparisons.

use super::Var;
use crate::autodiff::Activation;
use crate::autodiff::op::Op;
use crate::autodiff::ops::{Arithmetic, Choice, Function};
use std::ops::{Add, Div, Mul, Neg, Sub};

macro_rules! operators {
    ($(($trait:ident, $method:ident)),*) => {$(
        impl<'t> $trait for Var<'t> {
            type Output = Var<'t>;
            #[track_caller]
            fn $method(self, other: Var<'t>) -> Var<'t> {
                self.tape.push(Op::Arithmetic(Arithmetic::$trait), &[self, other])
            }
        }
    )*};
}
operators!((Add, add), (Sub, sub), (Mul, mul), (Div, div));

/// With a number on either side: `variable op number`, `number op variable`.
macro_rules! operators_with_numbers {
    ($($trait:ident $method:ident: |$var:ident, $number:ident| $after:expr, $before:expr;)*) => {$(
        impl<'t> $trait<f32> for Var<'t> {
            type Output = Var<'t>;
            #[track_caller]
            fn $method(self, $number: f32) -> Var<'t> {
                let $var = self;
                $after
            }
        }
        impl<'t> $trait<Var<'t>> for f32 {
            type Output = Var<'t>;
            #[track_caller]
            fn $method(self, $var: Var<'t>) -> Var<'t> {
                let $number = self;
                $before
            }
        }
    )*};
}
operators_with_numbers! {
    Add add: |var, number| var.function(Function::Shift(number)), var.function(Function::Shift(number));
    Sub sub: |var, number| var.function(Function::Shift(-number)), (-var).function(Function::Shift(number));
    Mul mul: |var, number| var.function(Function::Scale(number)), var.function(Function::Scale(number));
    Div div: |var, number| var / var.tape.scalar(number), var.tape.scalar(number) / var;
}

impl<'t> Neg for Var<'t> {
    type Output = Var<'t>;
    #[track_caller]
    fn neg(self) -> Var<'t> {
        self.function(Function::Negate)
    }
}

impl<'t> Var<'t> {
    #[track_caller]
    fn function(self, function: Function) -> Self {
        self.tape.push(Op::Function(function), &[self])
    }

    /// The larger of both, element by element, repeated to a common shape; NaN where one is. Of two equal ones the
    /// first gets the derivative.
    ///
    /// # Panics
    /// When the shapes do not go together.
    #[track_caller]
    pub fn maximum(self, other: Self) -> Self {
        self.tape.push(Op::Arithmetic(Arithmetic::Maximum), &[self, other])
    }

    /// The smaller of both, element by element, repeated to a common shape; NaN where one is. Of two equal ones the
    /// first gets the derivative.
    ///
    /// # Panics
    /// When the shapes do not go together.
    #[track_caller]
    pub fn minimum(self, other: Self) -> Self {
        self.tape.push(Op::Arithmetic(Arithmetic::Minimum), &[self, other])
    }

    /// An activation function of each element.
    ///
    /// # Panics
    /// When the slope of a leaky one is negative.
    #[track_caller]
    pub fn activation(self, activation: Activation) -> Self {
        match activation {
            Activation::Identity => self,
            _ => self.function(Function::Activation(activation)),
        }
    }

    /// max(x, 0); derivative 0 at 0.
    #[track_caller]
    pub fn relu(self) -> Self {
        self.activation(Activation::Relu)
    }

    /// x, or `slope` · x below 0; its derivative at 0 is the slope.
    ///
    /// # Panics
    /// When the slope is negative.
    #[track_caller]
    pub fn leaky_relu(self, slope: f32) -> Self {
        self.activation(Activation::LeakyRelu(slope))
    }

    /// tanh x.
    #[track_caller]
    pub fn tanh(self) -> Self {
        self.activation(Activation::Tanh)
    }

    /// 1 / (1 + e⁻ˣ).
    #[track_caller]
    pub fn sigmoid(self) -> Self {
        self.activation(Activation::Sigmoid)
    }

    /// ln(1 + eˣ).
    #[track_caller]
    pub fn softplus(self) -> Self {
        self.activation(Activation::Softplus)
    }

    /// eˣ.
    #[track_caller]
    pub fn exp(self) -> Self {
        self.function(Function::Exp)
    }

    /// ln x.
    #[track_caller]
    pub fn ln(self) -> Self {
        self.function(Function::Ln)
    }

    /// √x.
    #[track_caller]
    pub fn sqrt(self) -> Self {
        self.function(Function::Sqrt)
    }

    /// x².
    #[track_caller]
    pub fn square(self) -> Self {
        self.function(Function::Square)
    }

    /// 1 / x.
    #[track_caller]
    pub fn reciprocal(self) -> Self {
        self.function(Function::Reciprocal)
    }

    /// |x|; derivative 0 at 0.
    #[track_caller]
    pub fn abs(self) -> Self {
        self.function(Function::Abs)
    }

    /// −1, 0 or 1; derivative 0.
    #[track_caller]
    pub fn sign(self) -> Self {
        self.function(Function::Sign)
    }

    /// x, no less than `low` and no more than `high`; its derivative is 1 between the two, ends included, else 0.
    ///
    /// # Panics
    /// When `low` is not at most `high`.
    #[track_caller]
    pub fn clamp(self, low: f32, high: f32) -> Self {
        self.function(Function::Clamp(low, high))
    }

    /// 1 where this is greater than the other, else 0, both repeated to a common shape; no derivative.
    ///
    /// # Panics
    /// When the shapes do not go together.
    #[track_caller]
    pub fn greater(self, other: Self) -> Self {
        self.tape.push(Op::Choice(Choice::Greater), &[self, other])
    }

    /// 1 where both are equal, else 0, both repeated to a common shape; no derivative.
    ///
    /// # Panics
    /// When the shapes do not go together.
    #[track_caller]
    pub fn equal(self, other: Self) -> Self {
        self.tape.push(Op::Choice(Choice::Equal), &[self, other])
    }

    /// `a` where this mask is not 0, else `b`, all repeated to a common shape.
    ///
    /// # Panics
    /// When the shapes do not go together.
    #[track_caller]
    pub fn select(self, a: Self, b: Self) -> Self {
        self.tape.push(Op::Choice(Choice::Select), &[self, a, b])
    }
}
