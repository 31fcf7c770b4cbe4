//! The table, for people and for programs.

use super::drawing::NEIGHBOURS;
use super::entry::{BASELINE, Entry, Power};
use super::likelihood::Likelihood;
use super::ranking;
use crate::cli::{Report, counted};
use helmholtz::sampling::Paired;
use serde_json::{Map, Value, json};

/// The entries of one space, the best first, and what is known of it.
pub struct Group<'a> {
    /// The space.
    pub space: String,
    /// Its entries in the order in which they were given, the baseline last.
    pub entries: Vec<&'a Entry>,
    /// What a test of draws would see.
    pub power: Power,
}

/// Where an entry stands among those of its space.
#[derive(Clone, Debug, Default)]
struct Standing {
    rank: Option<usize>,
    above: Vec<(usize, Paired)>,
    to_best: Option<Paired>,
    to_baseline: Option<Paired>,
}

impl<'a> Group<'a> {
    fn likelihood(&self, index: usize) -> Option<&'a Likelihood> {
        self.entries[index].likelihood.as_ref().ok()
    }

    /// The entries with a figure, the highest first; equal ones as they were given.
    fn ordered(&self) -> Vec<usize> {
        let mut order: Vec<usize> =
            (0..self.entries.len()).filter(|&index| self.likelihood(index).is_some()).collect();
        let value = |index: usize| self.likelihood(index).map_or(f64::NEG_INFINITY, Likelihood::value);
        order.sort_by(|&a, &b| value(b).total_cmp(&value(a)));
        order
    }

    fn standings(&self) -> Vec<Standing> {
        let order = self.ordered();
        let baseline = self.entries.iter().position(|entry| entry.kind == BASELINE);
        let against = |index: usize, other: Option<usize>| {
            let (one, other) = (self.likelihood(index)?, self.likelihood(other?)?);
            Some(ranking::between(&one.figure, &other.figure))
        };
        let leads = |index: usize, other: usize| {
            let (one, two) = (self.likelihood(index)?, self.likelihood(other)?);
            if index == other { None } else { ranking::lead(one, two) }
        };
        (0..self.entries.len())
            .map(|index| {
                if self.likelihood(index).is_none() {
                    return Standing::default();
                }
                let above = order.iter().filter_map(|&other| Some((other, leads(index, other)?))).collect();
                let below = order.iter().filter(|&&other| leads(other, index).is_some()).count();
                Standing {
                    rank: Some(1 + below),
                    above,
                    to_best: against(index, order.first().copied()),
                    to_baseline: against(index, baseline),
                }
            })
            .collect()
    }

    /// Neighbours in the order of their figures that are not told apart, and why.
    fn undecided(&self) -> Vec<(usize, usize, String)> {
        let order = self.ordered();
        let pair = |pair: &[usize]| {
            let (a, b) = (pair[0], pair[1]);
            let (one, two) = (self.likelihood(a)?, self.likelihood(b)?);
            if ranking::lead(one, two).is_some() {
                return None;
            }
            Some((a, b, ranking::why_not(one, &self.entries[a].name, two, &self.entries[b].name)))
        };
        order.windows(2).filter_map(pair).collect()
    }
}

/// Reports all entries, in the order in which they were given, and those of each space beside one another.
pub fn report(entries: &[Entry], groups: &[Group<'_>], report: &mut Report) {
    let mut models = vec![Value::Null; entries.len()];
    let place_of = |entry: &Entry| entries.iter().position(|other| std::ptr::eq(other, entry)).unwrap_or(0);
    let mut undecided = Vec::new();
    for group in groups {
        let standings = group.standings();
        let open = group.undecided();
        say(group, &standings, &open, report);
        for (entry, standing) in group.entries.iter().zip(&standings) {
            models[place_of(entry)] = object(entry, Some(group), standing);
        }
        undecided.extend(open.into_iter().map(
            |(a, b, why)| json!({ "models": [group.entries[a].name, group.entries[b].name], "reason": why }),
        ));
    }
    for (model, entry) in models.iter_mut().zip(entries) {
        if model.is_null() {
            *model = object(entry, None, &Standing::default());
        }
    }
    say_draws(entries, groups, report);
    say_missing(entries, report);
    report.figure("models", models);
    report.figure("undecided", undecided);
}

/// A table of words, its columns aligned: the first line is its head.
fn aligned(label: &str, lines: &[Vec<String>]) -> Vec<String> {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|word| word.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |(index, line): (usize, &Vec<String>)| {
        let label = if index == 0 { label } else { "" };
        let words: Vec<String> =
            line.iter().zip(&widths).map(|(word, &width)| format!("{word:<width$}")).collect();
        format!("{label:<16}{}", words.join("  ")).trim_end().to_owned()
    };
    lines.iter().enumerate().map(line).collect()
}

fn words(line: &[&str]) -> Vec<String> {
    line.iter().map(|&word| word.to_owned()).collect()
}

/// An error that may be unknown.
fn shown(error: f64) -> String {
    if error.is_finite() { format!("{error:.2}") } else { "unknown".to_owned() }
}

fn shown_pair(paired: Option<Paired>) -> String {
    paired.map_or_else(|| "–".to_owned(), |paired| ranking::shown(&paired))
}

fn say(group: &Group<'_>, standings: &[Standing], open: &[(usize, usize, String)], report: &mut Report) {
    let order = group.ordered();
    if order.is_empty() {
        return;
    }
    let head = [
        "rank",
        "model",
        "family",
        "nats",
        "kind",
        "Monte Carlo",
        "data",
        "to the best",
        "to the baseline",
        "seeds",
    ];
    let mut lines = vec![words(&head)];
    for &index in &order {
        let (entry, standing) = (group.entries[index], &standings[index]);
        let Some(likelihood) = group.likelihood(index) else { continue };
        lines.push(vec![
            standing.rank.map_or_else(String::new, |rank| rank.to_string()),
            entry.name.clone(),
            entry.family(),
            format!("{:.2}", likelihood.value()),
            likelihood.kind().to_string(),
            shown(likelihood.monte_carlo_error()),
            shown(likelihood.data_error()),
            shown_pair(standing.to_best),
            shown_pair(standing.to_baseline),
            likelihood.spread().map_or_else(|| "–".to_owned(), |spread| format!("± {spread:.2}")),
        ]);
    }
    aligned(&group.space, &lines).into_iter().for_each(|line| report.line(line));
    let name = |index: usize| &group.entries[index].name;
    for &index in &order {
        for (other, paired) in &standings[index].above {
            report.line(format!(
                "above           {} stands above {}, by {} nats at least",
                name(index),
                name(*other),
                ranking::shown(paired)
            ));
        }
    }
    for (a, b, why) in open {
        report.line(format!("not told apart  {} and {}: {why}", name(*a), name(*b)));
    }
}

fn say_draws(entries: &[Entry], groups: &[Group<'_>], report: &mut Report) {
    let head = ["model", "MMD²", "p", "precision", "recall", "draws/s", "training s", "parameters"];
    let mut lines = vec![words(&head)];
    let none = || "–".to_owned();
    for entry in entries {
        let likeness = entry.likeness.as_ref().ok();
        let of = |show: &dyn Fn(&super::drawing::Likeness) -> String| likeness.map_or_else(none, show);
        let per_second = entry.drawn.as_ref().ok().and_then(|drawn| drawn.per_second);
        lines.push(vec![
            entry.name.clone(),
            of(&|likeness| format!("{:.5}", likeness.mmd.squared)),
            of(&|likeness| format!("{:.3}", likeness.mmd.p)),
            of(&|likeness| format!("{:.3}", likeness.shares.precision)),
            of(&|likeness| format!("{:.3}", likeness.shares.recall)),
            per_second.map_or_else(none, |rate| format!("{rate:.0}")),
            entry.seconds.as_ref().map_or_else(|_| none(), |seconds| format!("{seconds:.1}")),
            entry.parameters.map_or_else(none, |parameters| parameters.to_string()),
        ]);
    }
    aligned("draws", &lines).into_iter().for_each(|line| report.line(line));
    for group in groups {
        let label = "power";
        match &group.power {
            Ok(power) => {
                let seen = match power.admixture {
                    Some(share) => format!("finds {:.1} % of independent pixels among them", 100.0 * share),
                    None => "does not even find rows of nothing but independent pixels".to_owned(),
                };
                report.line(format!(
                    "{label:<16}{}: MMD² of {} {seen}, at level 0.05 in 80 % of {}",
                    group.space,
                    counted(power.rows, "row"),
                    counted(power.repeats, "repeat")
                ));
            }
            Err(why) => report.line(format!("{label:<16}{}: not known: {why}", group.space)),
        }
    }
    let count =
        entries.iter().filter_map(|entry| entry.likeness.as_ref().ok()).map(|likeness| likeness.count).max();
    if let Some(count) = count {
        report.line(format!(
            "                {count} draws against {}; balls of {NEIGHBOURS} neighbours, by the numbers of a row as they are",
            counted(count, "row")
        ));
    }
}

fn say_missing(entries: &[Entry], report: &mut Report) {
    for entry in entries {
        let missing = [
            ("log-likelihood", entry.likelihood.as_ref().err()),
            ("draws", entry.drawn.as_ref().err()),
            ("MMD² and shares", entry.likeness.as_ref().err().filter(|_| entry.drawn.is_ok())),
        ];
        for (figure, why) in missing.into_iter().filter_map(|(figure, why)| Some((figure, why?))) {
            report.line(format!("missing         {figure} of {}: {why}", entry.name));
        }
    }
}

/// The entry for programs.
fn object(entry: &Entry, group: Option<&Group<'_>>, standing: &Standing) -> Value {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| {
        object.insert(key.to_owned(), value);
    };
    put("run", json!(entry.name));
    put("kind", json!(entry.kind));
    put("seeds", json!(entry.seeds));
    if let Some(place) = &entry.place {
        put("space", json!(place.space));
        put("data", json!(place.data));
        put("split", json!(place.split));
        put("binarize", json!(place.binarize));
        put("examples", json!(place.examples));
    }
    match &entry.likelihood {
        Ok(likelihood) => {
            put("log_likelihood", json!(likelihood.value()));
            put("log_likelihood_kind", json!(likelihood.kind().to_string()));
            put("monte_carlo_error", json!(likelihood.monte_carlo_error()));
            put("data_error", json!(likelihood.data_error()));
            put("method", json!(likelihood.estimates[0].method));
            if let Some(spread) = likelihood.spread() {
                put("log_likelihood_spread", json!(spread));
            }
            for (name, side) in
                [("conservative", &likelihood.conservative), ("optimistic", &likelihood.optimistic)]
            {
                match side {
                    Ok(side) => {
                        put(&format!("log_likelihood_{name}"), json!(side.mean()));
                        put(&format!("{name}_error"), json!(side.shared_error));
                    }
                    Err(why) => put(&format!("{name}_reason"), json!(why)),
                }
            }
        }
        Err(why) => put("log_likelihood_reason", json!(why)),
    }
    for (name, paired) in [("paired", standing.to_best), ("baseline", standing.to_baseline)] {
        if let Some(paired) = paired {
            put(&format!("{name}_difference"), json!(paired.difference));
            put(&format!("{name}_error"), json!(paired.error));
        }
    }
    if let (Some(rank), Some(group)) = (standing.rank, group) {
        put("rank", json!(rank));
        let above: Vec<&String> = standing.above.iter().map(|(other, _)| &group.entries[*other].name).collect();
        put("above", json!(above));
    }
    match &entry.drawn {
        Ok(drawn) => {
            put("draws_method", json!(drawn.method));
            if let Some(rate) = drawn.per_second {
                put("draws_per_second", json!(rate));
            }
        }
        Err(why) => put("draws_reason", json!(why)),
    }
    match &entry.likeness {
        Ok(likeness) => {
            put("draws", json!(likeness.count));
            put("mmd2", json!(likeness.mmd.squared));
            put("mmd_p", json!(likeness.mmd.p));
            put("mmd_bandwidth", json!(likeness.mmd.bandwidth));
            put("precision", json!(likeness.shares.precision));
            put("recall", json!(likeness.shares.recall));
        }
        Err(why) if entry.drawn.is_ok() => put("draws_reason", json!(why)),
        Err(_) => {}
    }
    match group.map(|group| &group.power) {
        Some(Ok(power)) => {
            put("mmd_admixture", json!(power.admixture));
            put("mmd_admixture_rows", json!(power.rows));
        }
        Some(Err(why)) => put("mmd_admixture_reason", json!(why)),
        None => {}
    }
    match &entry.seconds {
        Ok(seconds) => put("seconds", json!(seconds)),
        Err(why) => put("seconds_reason", json!(why)),
    }
    if let Some(parameters) = entry.parameters {
        put("parameters", json!(parameters));
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::super::likelihood::Side;
    use super::*;
    use helmholtz::sampling::Kind;

    #[test]
    fn columns_are_as_wide_as_their_widest_word() {
        let lines = aligned("bits", &[words(&["a", "bcd", "e"]), words(&["long", "x", "y"])]);
        assert_eq!(lines, ["bits            a     bcd  e", "                long  x    y"]);
    }

    fn entry(name: &str, rows: &[f64], sides: [bool; 2]) -> Entry {
        let mut likelihood = Likelihood::exact(rows.to_vec(), "");
        let none = |known: bool, side: &Side| if known { Ok(side.clone()) } else { Err("no bound".to_owned()) };
        likelihood.conservative = none(sides[0], &likelihood.figure);
        likelihood.optimistic = none(sides[1], &likelihood.figure);
        likelihood.estimates[0].kind = if sides == [true, true] { Kind::Exact } else { Kind::Upper };
        Entry {
            name: name.to_owned(),
            kind: if name == "independent pixels" { BASELINE.to_owned() } else { "rbm".to_owned() },
            place: None,
            likelihood: Ok(likelihood),
            drawn: Err(String::new()),
            likeness: Err(String::new()),
            seconds: Err(String::new()),
            parameters: None,
            seeds: 1,
        }
    }

    #[test]
    fn ranks_follow_from_who_stands_above_whom() {
        let entries = [
            entry("low", &[-9.0, -19.0, -14.5], [true, true]),
            entry("unsure", &[-1.0, -11.0, -6.2], [false, true]),
            entry("high", &[-5.0, -15.0, -10.1], [true, true]),
            entry("independent pixels", &[-12.0, -22.0, -17.1], [true, true]),
        ];
        let group =
            Group { space: "bits".to_owned(), entries: entries.iter().collect(), power: Err(String::new()) };
        assert_eq!(group.ordered(), [1, 2, 0, 3]);
        let standings = group.standings();
        // The optimist has the highest figure: nobody is above it, and it is above nobody.
        assert_eq!(standings.iter().map(|standing| standing.rank).collect::<Vec<_>>(), [2, 1, 1, 3].map(Some));
        assert!(standings[1].above.is_empty());
        assert_eq!(standings[2].above.iter().map(|(other, _)| *other).collect::<Vec<_>>(), [0, 3]);
        assert_eq!(standings[1].to_best.map(|paired| (paired.difference, paired.error)), Some((0.0, 0.0)));
        let open = group.undecided();
        assert_eq!((open.len(), open[0].0, open[0].1), (1, 1, 2));
        assert!(open[0].2.contains("unsure has no conservative figure: no bound"), "{}", open[0].2);
    }
}
