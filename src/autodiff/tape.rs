//! Recording: each operation is run as it is written, and remembered.

use super::op::Op;
use super::operation::{Operation, View};
use super::{Shape, Var};
use crate::store::{Parameter, Store};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// Most operands of an operation: a program has them on the stack.
pub(super) const MOST_OPERANDS: usize = 16;

/// One operation, its operands and the shape of its result.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) op: Op,
    pub(super) operands: Vec<usize>,
    pub(super) shape: Shape,
    /// Name in messages: an input's or an output's name, or one given by [`Var::named`].
    pub(super) name: Option<String>,
}

/// Nodes that have been recorded, in order: operands come before what uses them.
#[derive(Debug, Default)]
pub(super) struct Recording {
    pub(super) nodes: Vec<Node>,
    /// Value of each node when it was recorded.
    pub(super) values: Vec<Rc<[f32]>>,
    /// Nodes that are read from outside after a run, by name.
    pub(super) outputs: Vec<(String, usize)>,
    /// Nodes that are written to the gradient of a parameter.
    pub(super) gradients: Vec<(Parameter, usize)>,
    /// Whether gradients were declared, if only of a scalar that no parameter has a part in.
    pub(super) differentiated: bool,
}

/// Recording of operations, inside [`Program::record`](super::Program::record).
#[derive(Debug)]
pub struct Tape<'s> {
    store: &'s Store,
    pub(super) recording: RefCell<Recording>,
}

impl<'s> Tape<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Tape { store, recording: RefCell::default() }
    }

    /// Numbers that change from run to run: examples, noise, masks. Zeros while recording.
    ///
    /// # Panics
    /// When there is an input of that name.
    #[track_caller]
    pub fn input(&self, name: &str, shape: impl Into<Shape>) -> Var<'_> {
        let shape = shape.into();
        self.input_with(name, shape, &vec![0.0; shape.elements()])
    }

    /// An input that holds `values` while recording.
    ///
    /// # Panics
    /// When there is an input of that name, or another number of values than the shape has.
    #[track_caller]
    pub fn input_with(&self, name: &str, shape: impl Into<Shape>, values: &[f32]) -> Var<'_> {
        let shape = shape.into();
        let taken = |node: &Node| matches!(node.op, Op::Input) && node.name.as_deref() == Some(name);
        assert!(!self.recording.borrow().nodes.iter().any(taken), "there is an input `{name}` already");
        self.leaf(Op::Input, shape, values.into(), Some(name.to_owned()))
    }

    /// A parameter of the store; asked for twice, it is the same variable.
    pub fn parameter(&self, parameter: Parameter) -> Var<'_> {
        let op = Op::Parameter(parameter);
        let known = self.recording.borrow().nodes.iter().position(|node| node.op.same(&op));
        match known {
            Some(index) => Var::new(self, index),
            None => {
                let (values, name) = (self.store.get(parameter), self.store.name(parameter));
                self.leaf(op, Shape::new(self.store.shape(parameter)), values.into(), Some(name.to_owned()))
            }
        }
    }

    /// Numbers that never change.
    ///
    /// # Panics
    /// When there is another number of values than the shape has.
    #[track_caller]
    pub fn constant(&self, shape: impl Into<Shape>, values: &[f32]) -> Var<'_> {
        let (op, shape) = (Op::Constant(values.into()), shape.into());
        let same = |node: &Node| node.shape == shape && node.name.is_none() && node.op.same(&op);
        let known = self.recording.borrow().nodes.iter().position(same);
        known.map_or_else(|| self.leaf(op, shape, values.into(), None), |index| Var::new(self, index))
    }

    /// A constant without axes.
    pub fn scalar(&self, value: f32) -> Var<'_> {
        self.constant(Shape::SCALAR, &[value])
    }

    /// One number repeated.
    pub fn full(&self, shape: impl Into<Shape>, value: f32) -> Var<'_> {
        self.scalar(value).broadcast_to(shape)
    }

    /// An operation of the user's own.
    ///
    /// # Panics
    /// Where its shape rule refuses the operands, or there are more than 16.
    #[track_caller]
    pub fn apply(&self, operation: Arc<dyn Operation>, operands: &[Var<'_>]) -> Var<'_> {
        self.push(Op::User(operation), operands)
    }

    /// Declares a result that is read after each run by its name.
    ///
    /// # Panics
    /// When there is an output of that name.
    #[track_caller]
    pub fn output(&self, name: &str, var: Var<'_>) {
        let mut recording = self.recording.borrow_mut();
        assert!(!recording.outputs.iter().any(|(known, _)| known == name), "there is an output `{name}` already");
        recording.outputs.push((name.to_owned(), var.index()));
        recording.nodes[var.index()].name.get_or_insert_with(|| name.to_owned());
    }

    /// Appends the reverse pass of a scalar, and declares the gradients of all parameters it depends on: each run
    /// writes them.
    ///
    /// # Panics
    /// When `loss` has more than one element, or gradients were declared before.
    #[track_caller]
    pub fn gradients(&self, loss: Var<'_>) {
        let of = |node: &Node| match node.op {
            Op::Parameter(parameter) => Some(parameter),
            _ => None,
        };
        let parameters: Vec<Parameter> = self.recording.borrow().nodes.iter().filter_map(of).collect();
        self.gradients_of_some(loss, &parameters);
    }

    /// As [`gradients`](Self::gradients), of these parameters alone: those of all others are zero, and what only they would
    /// need is not computed.
    ///
    /// # Panics
    /// As for `gradients`.
    #[track_caller]
    pub fn gradients_of_some(&self, loss: Var<'_>, parameters: &[Parameter]) {
        let before = std::mem::replace(&mut self.recording.borrow_mut().differentiated, true);
        assert!(!before, "gradients are declared once");
        let wanted: Vec<Var<'_>> = parameters.iter().map(|parameter| self.parameter(*parameter)).collect();
        let gradients = self.gradients_of(loss, &wanted);
        let declared = parameters
            .iter()
            .zip(gradients)
            .filter_map(|(parameter, gradient)| gradient.map(|gradient| (*parameter, gradient.index())));
        self.recording.borrow_mut().gradients.extend(declared);
    }

    /// The derivatives of a scalar with respect to any variables, as variables: they can be used and differentiated
    /// like any other. Zeros where the scalar does not depend on one.
    ///
    /// # Panics
    /// When `loss` has more than one element, or an operation on the way has no gradient.
    #[track_caller]
    pub fn gradient<'t>(&'t self, loss: Var<'_>, wanted: &[Var<'_>]) -> Vec<Var<'t>> {
        self.gradients_of(loss, wanted)
            .into_iter()
            .zip(wanted)
            .map(|(gradient, wanted)| gradient.unwrap_or_else(|| self.full(wanted.shape(), 0.0)))
            .collect()
    }

    #[track_caller]
    fn gradients_of<'t>(&'t self, loss: Var<'_>, wanted: &[Var<'_>]) -> Vec<Option<Var<'t>>> {
        let shape = loss.shape();
        assert_eq!(shape.elements(), 1, "the gradient of a tensor of shape {shape}: wanted one element");
        // Which nodes depend on a wanted one: the others need no derivative.
        let count = loss.index() + 1;
        let mut depends = vec![false; count];
        for var in wanted.iter().filter(|var| var.index() < count) {
            depends[var.index()] = true;
        }
        for index in 0..count {
            depends[index] |=
                self.recording.borrow().nodes[index].operands.iter().any(|operand| depends[*operand]);
        }
        let mut gradients: Vec<Option<Var<'t>>> = vec![None; count];
        if depends[loss.index()] {
            gradients[loss.index()] = Some(self.full(shape, 1.0));
        }
        for index in (0..count).rev() {
            let Some(gradient) = gradients[index] else { continue };
            let Node { op, operands, .. } = self.recording.borrow().nodes[index].clone();
            let Some(operation) = op.operation() else { continue };
            let vars: Vec<Var<'t>> = operands.iter().map(|operand| Var::new(self, *operand)).collect();
            for (position, operand) in operands.iter().enumerate().filter(|(_, operand)| depends[**operand]) {
                let Some(part) = operation.gradient(position, &vars, Var::new(self, index), gradient) else {
                    continue;
                };
                let (given, wanted) = (part.shape(), vars[position].shape());
                assert!(
                    given == wanted,
                    "the gradient of `{}` has the shape {given}, wanted {wanted}",
                    operation.name()
                );
                gradients[*operand] = Some(gradients[*operand].map_or(part, |sum| sum + part));
            }
        }
        wanted.iter().map(|var| gradients.get(var.index()).copied().flatten()).collect()
    }

    #[track_caller]
    fn leaf(&self, op: Op, shape: Shape, values: Rc<[f32]>, name: Option<String>) -> Var<'_> {
        assert_eq!(shape.elements(), values.len(), "a tensor of shape {shape} from {} values", values.len());
        let mut recording = self.recording.borrow_mut();
        recording.nodes.push(Node { op, operands: Vec::new(), shape, name });
        recording.values.push(values);
        Var::new(self, recording.nodes.len() - 1)
    }

    /// Runs and remembers one operation; one that was recorded before is not recorded again.
    #[track_caller]
    pub(super) fn push(&self, op: Op, operands: &[Var<'_>]) -> Var<'_> {
        let operation = op.operation().expect("leaves are not pushed");
        let count = operands.len();
        assert!(count <= MOST_OPERANDS, "`{}` of {count} operands: at most {MOST_OPERANDS}", operation.name());
        for operand in operands {
            assert!(
                std::ptr::eq(operand.tape_address(), std::ptr::from_ref(self).cast()),
                "a variable of another tape"
            );
        }
        let shapes: Vec<Shape> = operands.iter().map(|var| var.shape()).collect();
        let operands: Vec<usize> = operands.iter().map(|var| var.index()).collect();
        let known = {
            let recording = self.recording.borrow();
            recording.nodes.iter().position(|node| node.operands == operands && node.op.same(&op))
        };
        if let Some(index) = known {
            return Var::new(self, index);
        }
        let shape = match operation.shape(&shapes) {
            Ok(shape) => shape,
            Err(why) => panic!("{}: {why}", operation.name()),
        };
        let values: Vec<Rc<[f32]>> = {
            let recording = self.recording.borrow();
            operands.iter().map(|operand| Rc::clone(&recording.values[*operand])).collect()
        };
        let views: Vec<View<'_, f32>> =
            values.iter().zip(&shapes).map(|(values, shape)| View { values, shape: *shape }).collect();
        let mut result = vec![0.0; shape.elements()];
        operation.forward(&views, &mut result);
        let mut recording = self.recording.borrow_mut();
        recording.nodes.push(Node { op, operands, shape, name: None });
        recording.values.push(result.into());
        Var::new(self, recording.nodes.len() - 1)
    }
}
