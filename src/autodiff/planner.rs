//! From a recording to a plan.
//!
//! What no output and no gradient needs is dropped; what is made of constants alone is a constant. A reshaped tensor is the
//! tensor it was made from. A gradient is computed where the optimiser reads it. Inputs, outputs and constants keep their
//! place for good; any other result has one only until its last use.
//!
//! Steps run in the order they were recorded in, each sharing its work among the threads, but for the large products that give
//! the gradients of weights, which no other step reads. Each is put off until a step comes that is too small to be shared,
//! and runs beside that and all after it: what would idle meanwhile works on the product.

use super::arena::Arena;
use super::op::Op;
use super::ops::Layout as Move;
use super::ops::{Orientation, Product};
use super::plan::{Order, Place, Plan, Purpose, Region, Slot, Step};
use super::tape::{Node, Recording};
use crate::store::Layout;
use crate::tensor::AlignedVec;
use std::ops::Range;

/// Plans a recording over a store of this layout. The arena that comes with the plan holds the constants, and what inputs
/// and outputs were while recording.
pub(super) fn plan(recording: &Recording, layout: &Layout) -> (Plan, AlignedVec<f32>) {
    let mut planner = Planner::new(recording, layout);
    planner.find_purposes();
    planner.place_leaves();
    let copies = planner.place_results();
    let tasks = planner.put_off(planner.tasks(&copies));
    let pinned = planner.place.clone();
    planner.place_for_a_while(&tasks);
    let plan = planner.plan(&tasks, &copies);
    let mut arena = AlignedVec::zeroed(planner.arena.length());
    let outputs = plan.outputs.iter().zip(&recording.outputs).map(|(slot, (_, node))| (Some(slot.place), *node));
    for (place, node) in pinned.into_iter().zip(0..).chain(outputs) {
        if let Some(place) = place.filter(|place| place.region == Region::Arena) {
            arena[place.range()].copy_from_slice(&recording.values[node]);
        }
    }
    plan.check(|region| match region {
        Region::Arena => arena.len(),
        Region::Store | Region::Gradients => layout.length(),
    });
    (plan, arena)
}

/// The numbers of a node, copied to a second place.
#[derive(Clone, Copy, Debug)]
struct Transfer {
    node: usize,
    to: Place,
    purpose: Purpose,
}

/// A step whose result may have no place yet.
#[derive(Clone, Copy, Debug)]
enum Task {
    Compute(usize, Order),
    Copy(Transfer),
}

/// Multiply-adds from which on a product is worth an exchange with another thread, some 0.1 ms.
const LARGE: usize = 1 << 22;
/// Elements from which on any other operation is shared among threads for longer than one of them needs to wake up.
const WIDE: usize = 1 << 18;

struct Planner<'r> {
    nodes: &'r [Node],
    recording: &'r Recording,
    layout: &'r Layout,
    /// Whether each node is made of constants alone.
    constant: Vec<bool>,
    /// The node whose numbers each one has: itself, or what it was reshaped or cut off from.
    root: Vec<usize>,
    /// Purpose of each node, if there is one.
    purpose: Vec<Option<Purpose>>,
    /// Place of each root's numbers.
    place: Vec<Option<Place>>,
    arena: Arena,
}

impl<'r> Planner<'r> {
    fn new(recording: &'r Recording, layout: &'r Layout) -> Self {
        let nodes = &recording.nodes[..];
        let (mut constant, mut root) = (Vec::<bool>::new(), Vec::<usize>::new());
        for (index, node) in nodes.iter().enumerate() {
            let folds = node.op.operation().is_some() && node.operands.iter().all(|operand| constant[*operand]);
            constant.push(folds || matches!(node.op, Op::Constant(_)));
            let same_numbers = matches!(node.op, Op::Layout(Move::Reshape(_) | Move::StopGradient));
            let alias = same_numbers && !constant[index];
            root.push(if alias { root[node.operands[0]] } else { index });
        }
        let (purpose, place) = (vec![None; nodes.len()], vec![None; nodes.len()]);
        Planner { nodes, recording, layout, constant, root, purpose, place, arena: Arena::default() }
    }

    /// Marks what outputs need, then what else gradients need.
    fn find_purposes(&mut self) {
        let outputs = self.recording.outputs.iter().map(|(_, node)| (*node, Purpose::Outputs));
        let gradients = self.recording.gradients.iter().map(|(_, node)| (*node, Purpose::Gradients));
        for (node, purpose) in outputs.chain(gradients) {
            self.purpose[node].get_or_insert(purpose);
        }
        for purpose in [Purpose::Outputs, Purpose::Gradients] {
            for node in (0..self.nodes.len()).rev() {
                if self.purpose[node] == Some(purpose) && !self.constant[node] {
                    for operand in &self.nodes[node].operands {
                        self.purpose[*operand] =
                            self.purpose[*operand].filter(|p| *p == Purpose::Outputs).or(Some(purpose));
                    }
                }
            }
        }
    }

    fn pin(&mut self, length: usize) -> Place {
        let start = self.arena.take(length);
        Place::new(Region::Arena, start..start + length)
    }

    /// Inputs, parameters and constants.
    fn place_leaves(&mut self) {
        for (index, node) in self.nodes.iter().enumerate() {
            self.place[index] = match node.op {
                Op::Input => Some(self.pin(node.shape.elements())),
                Op::Parameter(parameter) => Some(Place::new(Region::Store, self.layout.range(parameter))),
                _ if self.constant[index] && self.purpose[index].is_some() => {
                    Some(self.pin(node.shape.elements()))
                }
                _ => None,
            };
        }
    }

    /// Outputs and gradients: each where it is read, computed there where that can be, else copied.
    fn place_results(&mut self) -> Vec<Transfer> {
        let mut copies = Vec::new();
        for (_, node) in &self.recording.outputs {
            let (root, length) = (self.root[*node], self.nodes[*node].shape.elements());
            match self.place[root] {
                Some(place) if place.region == Region::Arena => {}
                Some(_) if copies.iter().any(|copy: &Transfer| copy.node == *node) => {}
                Some(_) => {
                    let to = self.pin(length);
                    copies.push(Transfer { node: *node, to, purpose: Purpose::Outputs });
                }
                None => self.place[root] = Some(self.pin(length)),
            }
        }
        for (parameter, node) in &self.recording.gradients {
            let (root, to) = (self.root[*node], Place::new(Region::Gradients, self.layout.range(*parameter)));
            // An evaluation has no gradients to write.
            if self.place[root].is_none() && self.purpose[root] == Some(Purpose::Gradients) {
                self.place[root] = Some(to);
            } else {
                copies.push(Transfer { node: *node, to, purpose: Purpose::Gradients });
            }
        }
        copies
    }

    /// Whether a node has an operation to run.
    fn is_computed(&self, node: usize) -> bool {
        self.nodes[node].op.operation().is_some() && !self.constant[node] && self.root[node] == node
    }

    /// Tasks in order. Copies come as soon as they can: what they read is free sooner.
    fn tasks(&self, copies: &[Transfer]) -> Vec<Task> {
        let of =
            |root: usize| copies.iter().filter(move |copy| self.root[copy.node] == root).copied().map(Task::Copy);
        let (computed, leaves): (Vec<usize>, Vec<usize>) =
            (0..self.nodes.len()).partition(|node| self.is_computed(*node));
        let needed = computed.into_iter().filter(|node| self.purpose[*node].is_some());
        let leaves = leaves.into_iter().flat_map(of);
        let compute = |node| std::iter::once(Task::Compute(node, Order::InTurn));
        leaves.chain(needed.flat_map(|node| compute(node).chain(of(node)))).collect()
    }

    /// The multiply-adds of a node that is a matrix product.
    fn multiply_adds(&self, node: usize) -> Option<usize> {
        let Node { op, operands, shape, .. } = &self.nodes[node];
        let left = || self.nodes[operands[0]].shape;
        let product = match op {
            Op::Product(product) => product,
            Op::Masked(masked) => return Some(masked.multiply_adds(left()[0])),
            Op::Convolve(convolve) => return Some(convolve.multiply_adds(left()[0])),
            _ => return None,
        };
        let left = left();
        let depth = match product {
            Product::MatMul { left: Orientation::Transposed, .. } => left[0],
            Product::MatMul { .. } | Product::Linear(_) => left[1],
        };
        Some(shape.elements() * depth)
    }

    /// Puts large gradients that no other step reads off until before a task that is too small to be shared, to run beside it.
    fn put_off(&self, tasks: Vec<Task>) -> Vec<Task> {
        let mut read = vec![false; self.nodes.len()];
        tasks.iter().for_each(|task| self.reads(*task).for_each(|root| read[root] = true));
        let put_off = |node: usize| {
            let in_gradients = self.place[node].is_some_and(|place| place.region == Region::Gradients);
            let gradient = in_gradients && self.purpose[node] == Some(Purpose::Gradients);
            gradient && !read[node] && self.multiply_adds(node).is_some_and(|macs| macs >= LARGE)
        };
        let small = |node: usize| match self.multiply_adds(node) {
            Some(macs) => macs < LARGE,
            None => self.nodes[node].shape.elements() < WIDE,
        };
        let (mut order, mut waiting) = (Vec::with_capacity(tasks.len()), Vec::new());
        for task in tasks {
            match task {
                Task::Compute(node, _) if put_off(node) => waiting.push(Task::Compute(node, Order::Beside)),
                Task::Compute(node, _) if !small(node) => order.push(task),
                _ => {
                    order.append(&mut waiting);
                    order.push(task);
                }
            }
        }
        order.append(&mut waiting);
        order
    }

    /// The roots a task reads.
    fn reads(&self, task: Task) -> impl Iterator<Item = usize> {
        let (operands, source) = match task {
            Task::Compute(node, _) => (&self.nodes[node].operands[..], None),
            Task::Copy(copy) => (&[][..], Some(copy.node)),
        };
        operands.iter().copied().chain(source).map(|node| self.root[node])
    }

    /// Gives each result without a place one that is free until the result's last use.
    fn place_for_a_while(&mut self, tasks: &[Task]) {
        let mut last_use = vec![0; self.nodes.len()];
        for (time, task) in tasks.iter().enumerate() {
            // What runs beside the others may still read when the last of them does.
            let until = if matches!(task, Task::Compute(_, Order::Beside)) { tasks.len() } else { time };
            self.reads(*task).for_each(|root| last_use[root] = last_use[root].max(until));
        }
        let mut held = vec![false; self.nodes.len()];
        for (time, task) in tasks.iter().enumerate() {
            if let Task::Compute(node, _) = *task
                && self.place[node].is_none()
            {
                self.place[node] = Some(self.pin(self.nodes[node].shape.elements()));
                held[node] = true;
            }
            let ending: Vec<usize> = self.reads(*task).filter(|root| last_use[*root] == time).collect();
            for root in ending {
                if std::mem::take(&mut held[root]) {
                    let place = self.place_of(root);
                    self.arena.give_back(place.start, place.length);
                }
            }
        }
    }

    fn place_of(&self, node: usize) -> Place {
        self.place[self.root[node]].expect("what is needed has a place")
    }

    fn step(&self, task: Task) -> Step {
        let read = |node: usize| (self.place_of(node), self.nodes[node].shape);
        match task {
            Task::Compute(node, order) => Step {
                op: self.nodes[node].op.clone(),
                operands: self.nodes[node].operands.iter().map(|operand| read(*operand)).collect(),
                result: self.place_of(node),
                purpose: self.purpose[node].expect("what is not needed is not computed"),
                order,
                description: self.describe(node, 2),
            },
            Task::Copy(Transfer { node, to, purpose }) => Step {
                op: Op::Layout(Move::Reshape(self.nodes[node].shape)),
                operands: vec![read(node)],
                result: to,
                purpose,
                order: Order::InTurn,
                description: self.describe(node, 2),
            },
        }
    }

    fn plan(&self, tasks: &[Task], copies: &[Transfer]) -> Plan {
        let all = || 0..self.nodes.len();
        let slot = |node: usize| Slot { name: self.describe(node, 2), place: self.place_of(node) };
        let name = |node: usize| self.nodes[node].name.clone().expect("inputs have names");
        let input = |node: usize| Slot { name: name(node), place: self.place_of(node) };
        let output = |(name, node): &(String, usize)| {
            let copy = copies.iter().find(|copy| copy.node == *node && copy.purpose == Purpose::Outputs);
            Slot { name: name.clone(), place: copy.map_or_else(|| self.place_of(*node), |copy| copy.to) }
        };
        let given =
            |node: &usize| self.purpose[*node].is_some() && !self.is_input(*node) && self.root[*node] == *node;
        Plan {
            steps: tasks.iter().map(|task| self.step(*task)).collect(),
            inputs: all().filter(|node| self.is_input(*node)).map(input).collect(),
            outputs: self.recording.outputs.iter().map(output).collect(),
            given: all().filter(given).filter(|node| !self.is_computed(*node)).map(slot).collect(),
            unreached: self.unreached(),
        }
    }

    fn is_input(&self, node: usize) -> bool {
        matches!(self.nodes[node].op, Op::Input)
    }

    fn unreached(&self) -> Vec<Range<usize>> {
        let reached = |parameter| self.recording.gradients.iter().any(|(known, _)| *known == parameter);
        let parameters = self.layout.parameters().filter(|parameter| !reached(*parameter));
        parameters.map(|parameter| self.layout.range(parameter)).collect()
    }

    /// The name of a node, or its operation and what that reads, which is described in turn to a depth.
    fn describe(&self, node: usize, depth: usize) -> String {
        let Node { op, operands, name, .. } = &self.nodes[node];
        let operation = match (name, op, op.operation()) {
            (Some(name), ..) => return format!("`{name}`"),
            (None, Op::Constant(values), _) if values.len() == 1 => return values[0].to_string(),
            (None, _, None) => return "a constant".to_owned(),
            (None, _, Some(operation)) => operation.name(),
        };
        if depth == 0 {
            return format!("`{operation}`");
        }
        let read = operands.iter().map(|operand| match self.describe(*operand, depth - 1) {
            nested if nested.contains(" of ") => format!("({nested})"),
            plain => plain,
        });
        format!("`{operation}` of {}", read.collect::<Vec<_>>().join(", "))
    }
}
