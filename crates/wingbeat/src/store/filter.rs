//! Which records a query means: from its JSON to conditions.

use super::operator::Syntax;
use super::{Comparison, Condition, Like, Limits, Path, Test};
use crate::service::Query;
use serde_json::{Map, Value};
use wingbeat_core::{Error, Result};

pub(super) const OPERATORS: [&str; 8] = ["$in", "$nin", "$lt", "$lte", "$gt", "$gte", "$ne", "$or"];
pub(super) const FILTERS: [&str; 6] = ["$skip", "$sort", "$limit", "$select", "$or", "$and"];

impl Condition {
    /// Reads the conditions of a query in Feathers' syntax, for services that keep their records in a way of their own:
    /// [`matches`](super::matches) tells which of them are meant. `$sort`, `$limit`, `$skip` and `$select` are not
    /// conditions.
    ///
    /// ```
    /// use serde_json::json;
    /// use wingbeat::service::Query;
    /// use wingbeat::store::{Condition, Limits, Record, matches};
    ///
    /// let query = Query::from_value(json!({"n": {"$gt": 1}, "$limit": 5}))?;
    /// let condition = Condition::from_query(&query, Limits::default())?;
    /// assert!(matches(&condition, &Record::from_iter([("n".to_owned(), json!(2))])));
    /// # Ok::<(), wingbeat::Error>(())
    /// ```
    ///
    /// # Errors
    /// BadRequest, as Feathers words it, for filters and operators that do not exist or stand in the wrong place, and for
    /// what is beyond the limits.
    pub fn from_query(query: &Query, limits: Limits) -> Result<Condition> {
        read(query, &Syntax::within(limits))
    }
}

/// Reads the conditions in a query.
///
/// # Errors
/// BadRequest, as Feathers words it, for filters and operators that do not exist or stand in the wrong place.
pub(super) fn read(query: &Query, syntax: &Syntax) -> Result<Condition> {
    read_beside(query, syntax, None)
}

/// The same, where one more filter is known.
pub(super) fn read_beside(query: &Query, syntax: &Syntax, known: Option<&str>) -> Result<Condition> {
    if query.is_empty() {
        return Ok(Condition::default());
    }
    // Feathers looks at the filters first, then at the fields in their order: so the same error comes first.
    for name in FILTERS {
        match (name, query.get(name)) {
            ("$sort", Some(Value::Object(keys))) => {
                keys.values().try_for_each(|direction| check_operators(direction, syntax))?;
            }
            // A list of names, whatever they look like.
            ("$select", Some(Value::Array(_))) => {}
            ("$select" | "$or" | "$and", Some(value)) => check_operators(value, syntax)?,
            _ => {}
        }
    }
    for (name, value) in query.iter() {
        if !name.starts_with('$') || syntax.has_filter(name) {
            check_operators(value, syntax)?;
        } else if !FILTERS.contains(&name) && known != Some(name) {
            return Err(Error::bad_request(format!("Invalid filter value {name}")));
        }
    }
    let mut reader = Reader { syntax, conditions: 0, values: 0 };
    let mut conditions = Vec::new();
    for (name, value) in query.iter() {
        match name {
            "$or" | "$and" => conditions.push(reader.group(name, value, 1)?),
            name if name.starts_with('$') => {}
            name => reader.field(name, value, &mut conditions)?,
        }
    }
    Ok(Condition::All(conditions))
}

/// Refuses what begins with `$` and is not an operator, at any depth.
fn check_operators(value: &Value, syntax: &Syntax) -> Result<()> {
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| check_operators(item, syntax)),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            if name.starts_with('$') && !OPERATORS.contains(&name.as_str()) && !syntax.has_operator(name) {
                return Err(invalid_parameter(name, members));
            }
            check_operators(value, syntax)
        }),
        _ => Ok(()),
    }
}

fn invalid_parameter(name: &str, holder: &Map<String, Value>) -> Error {
    Error::bad_request(format!("Invalid query parameter {name}")).with_data(Value::Object(holder.clone()))
}

struct Reader<'a> {
    syntax: &'a Syntax,
    conditions: usize,
    values: usize,
}

impl Reader<'_> {
    fn group(&mut self, name: &str, members: &Value, depth: usize) -> Result<Condition> {
        let Some(members) = members.as_array().filter(|members| !members.is_empty()) else {
            return Err(Error::bad_request(format!("Invalid {name}: it must be a list with at least one element")));
        };
        if depth > self.syntax.limits.depth {
            return Err(Error::bad_request(format!("Invalid {name}: nested deeper than {}", self.syntax.limits.depth)));
        }
        let members = members.iter().map(|member| self.member(name, member, depth)).collect::<Result<_>>()?;
        Ok(if name == "$or" { Condition::Any(members) } else { Condition::All(members) })
    }

    fn member(&mut self, group: &str, member: &Value, depth: usize) -> Result<Condition> {
        let Some(members) = member.as_object() else {
            return Err(Error::bad_request(format!("Invalid {group}: its elements must be objects")));
        };
        let before = self.conditions;
        let mut conditions = Vec::new();
        for (name, value) in members {
            match name.as_str() {
                // About the record as a whole, which is never equal to what a client sends, nor less or more.
                "$ne" | "$nin" => {}
                "$in" | "$lt" | "$lte" | "$gt" | "$gte" => conditions.push(Condition::Any(Vec::new())),
                "$or" => conditions.push(self.group(name, value, depth + 1)?),
                operator if operator.starts_with('$') => return Err(invalid_parameter(name, members)),
                field => self.field(field, value, &mut conditions)?,
            }
        }
        // Counted by what it tests; one that tests nothing is still work.
        if self.conditions == before {
            self.count_condition()?;
        }
        Ok(Condition::All(conditions))
    }

    fn field(&mut self, name: &str, value: &Value, conditions: &mut Vec<Condition>) -> Result<()> {
        let path = Path::new(name);
        let operators = value.as_object().filter(|members| members.keys().any(|name| name.starts_with('$')));
        let Some(operators) = operators else {
            self.count_condition()?;
            conditions.push(Condition::Field(path, Test::Is(value.clone())));
            return Ok(());
        };
        for (operator, operand) in operators {
            self.count_condition()?;
            let test = match operator.as_str() {
                "$ne" => Test::IsNot(operand.clone()),
                "$in" => Test::In(self.list(operator, operand)?),
                "$nin" => Test::NotIn(self.list(operator, operand)?),
                "$lt" => Test::Compare(Comparison::Less, operand.clone()),
                "$lte" => Test::Compare(Comparison::LessOrEqual, operand.clone()),
                "$gt" => Test::Compare(Comparison::Greater, operand.clone()),
                "$gte" => Test::Compare(Comparison::GreaterOrEqual, operand.clone()),
                name if self.syntax.has_like(name) => Test::Like(Like::read(name, operand)?),
                // Below a field `$or` and names beside operators are invalid.
                own => match self.syntax.test(own, operand) {
                    Some(test) => Test::Own(test?),
                    None => return Err(invalid_parameter(operator, operators)),
                },
            };
            conditions.push(Condition::Field(path.clone(), test));
        }
        Ok(())
    }

    fn list(&mut self, operator: &str, operand: &Value) -> Result<Vec<Value>> {
        let list = match operand {
            Value::Array(items) => items.clone(),
            single => vec![single.clone()],
        };
        self.values += list.len();
        if self.values > self.syntax.limits.values {
            return Err(Error::bad_request(format!(
                "Invalid {operator}: more than {} values",
                self.syntax.limits.values
            )));
        }
        for member in list.iter().filter_map(Value::as_object) {
            if let Some(nested) = member.keys().find(|name| name.starts_with('$')) {
                return Err(invalid_parameter(nested, member));
            }
        }
        Ok(list)
    }

    fn count_condition(&mut self) -> Result<()> {
        self.conditions += 1;
        if self.conditions > self.syntax.limits.conditions {
            return Err(Error::bad_request(format!(
                "Invalid query: more than {} conditions",
                self.syntax.limits.conditions
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(query: Value) -> (String, Option<Value>) {
        let error = read(&Query::from_value(query).unwrap(), &Syntax::default()).unwrap_err();
        assert_eq!(error.code(), 400);
        (error.message().to_owned(), error.data().cloned())
    }

    #[test]
    fn an_unknown_filter_is_named_without_data() {
        for name in ["$bogus", "$where", "$regex", "$not", "$nor", "$ne", "$in"] {
            assert_eq!(refusal(json!({name: 1})), (format!("Invalid filter value {name}"), None));
        }
    }

    #[test]
    fn an_unknown_operator_is_named_with_the_object_that_holds_it() {
        for (query, name, data) in [
            (json!({"a": {"$regex": "o"}}), "$regex", json!({"$regex": "o"})),
            (json!({"a": {"$not": {"$ne": 1}}}), "$not", json!({"$not": {"$ne": 1}})),
            (json!({"a": {"b": {"$where": 1}}}), "$where", json!({"$where": 1})),
            (json!({"a": {"$and": []}}), "$and", json!({"$and": []})),
            (json!({"a": [{"$x": 1}]}), "$x", json!({"$x": 1})),
            (json!({"$or": [{"a": {"$x": 1}}]}), "$x", json!({"$x": 1})),
            (json!({"$or": [{"$and": []}]}), "$and", json!({"$and": []})),
            (json!({"$sort": {"a": {"$x": 1}}}), "$x", json!({"$x": 1})),
            (json!({"$sort": {"a": [{"$x": 1}]}}), "$x", json!({"$x": 1})),
            (json!({"$select": {"$x": 1}}), "$x", json!({"$x": 1})),
            (json!({"a": {"$or": [1]}}), "$or", json!({"$or": [1]})),
            (json!({"a": {"$gt": 1, "b": 2}}), "b", json!({"$gt": 1, "b": 2})),
            (json!({"a": {"$in": [{"$gt": 1}]}}), "$gt", json!({"$gt": 1})),
        ] {
            assert_eq!(refusal(query), (format!("Invalid query parameter {name}"), Some(data)));
        }
    }

    #[test]
    fn what_is_no_operator_there_is_left_alone() {
        for query in [
            json!({"$limit": {"$x": 1}, "$skip": {"$x": 1}}),
            json!({"$sort": {"$x": 1}}),
            json!({"$sort": [{"$x": 1}]}),
            json!({"$select": [{"$x": 1}]}),
        ] {
            assert_eq!(read(&Query::from_value(query).unwrap(), &Syntax::default()).unwrap(), Condition::default());
        }
    }

    #[test]
    fn groups_must_be_lists_of_objects_with_something_in_them() {
        for query in [json!({"$or": []}), json!({"$or": "x"}), json!({"$and": null}), json!({"$and": [1]})] {
            refusal(query);
        }
    }

    #[test]
    fn deep_and_long_queries_are_refused() {
        let nested = |depth| (0..depth).fold(json!({"a": 1}), |inner, _| json!({"$or": [inner]}));
        assert!(read(&Query::from_value(nested(8)).unwrap(), &Syntax::default()).is_ok());
        refusal(nested(9));
        refusal(json!({"$or": vec![json!({"a": 1}); 201]}));
        refusal(json!({"$or": vec![json!({"a": 1, "b": 1}); 101]}));
        refusal(json!({"$or": vec![json!({}); 201]}));
        refusal(json!({"a": {"$in": vec![0; 2001]}}));
    }

    #[test]
    fn an_alternative_counts_as_what_it_tests() {
        for query in [json!({"$or": vec![json!({"a": 1}); 200]}), json!({"$and": vec![json!({"a": {"$gt": 1}}); 200]})]
        {
            assert!(read(&Query::from_value(query).unwrap(), &Syntax::default()).is_ok());
        }
    }
}
