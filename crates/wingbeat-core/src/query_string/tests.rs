use super::*;
use serde_json::json;

#[track_caller]
fn reads(text: &str, expected: Value) {
    assert_eq!(Value::Object(parse(text).unwrap()), expected, "{text}");
}

#[test]
fn names_nest_and_lists_grow() {
    reads(
        "a=1&b[]=2&b[]=3&c[d][e]=f&g=&h",
        json!({"a": "1", "b": ["2", "3"], "c": {"d": {"e": "f"}}, "g": "", "h": ""}),
    );
    reads("a=1&a=2", json!({"a": ["1", "2"]}));
    reads("a[1]=y&a[0]=x", json!({"a": ["x", "y"]}));
    reads("a[25]=x", json!({"a": ["x"]}));
    reads("a[][b]=1&a[][b]=2", json!({"a": [{"b": ["1", "2"]}]}));
    reads("", json!({}));
    reads("=1&&a=2", json!({"a": "2"}));
}

#[test]
fn what_does_not_fit_together_is_kept_as_in_qs() {
    reads("a[b]=1&a[]=2", json!({"a": {"b": "1", "0": "2"}}));
    reads("a=1&a[b]=2", json!({"a": ["1", {"b": "2"}]}));
    reads("a[b]=1&a=2", json!({"a": [{"b": "1"}, "2"]}));
    reads("a[b]=1&a=2&a=3", json!({"a": {"b": "1", "0": "2", "1": "3"}}));
    reads("a[b]=1&a=2&a[c]=3&a[]=4", json!({"a": {"0": [{"b": "1"}, "4"], "1": "2", "c": "3"}}));
    // So at each level: lists come on top of what brackets nest.
    reads("a[b][c]=1&a[b]=3&a=2", json!({"a": [{"b": [{"c": "1"}, "3"]}, "2"]}));
    reads("a[b]=1&a=", json!({"a": {"b": "1"}}));
    reads("a[b=1", json!({"a": {"[b": "1"}}));
    reads("a[b[c]]=1", json!({"a": {"b[c]": "1"}}));
    reads("a]=1", json!({"a]": "1"}));
    reads("[]=1&[0]=2", json!({"0": ["1", "2"]}));
}

#[test]
fn limits_are_those_that_are_written() {
    reads("a[b][c][d][e][f][g][h]=x", json!({"a": {"b": {"c": {"d": {"e": {"f": {"[g][h]": "x"}}}}}}}));
    reads("a[1999]=x&b[2000]=y&c[01]=z", json!({"a": ["x"], "b": {"2000": "y"}, "c": {"01": "z"}}));
    assert_eq!(parse(&"&".repeat(MAX_PARAMETERS - 1)).unwrap().len(), 0);
    assert_eq!(parse(&"&".repeat(MAX_PARAMETERS)).unwrap_err().code(), 400);
    let many = (0..MAX_PARAMETERS).map(|n| format!("id[$in][]={n}")).collect::<Vec<_>>().join("&");
    assert_eq!(parse(&many).unwrap()["id"]["$in"].as_array().unwrap().len(), MAX_PARAMETERS);
}

#[test]
fn prototypes_are_left_alone() {
    reads("__proto__[x]=1&constructor[y]=2", json!({"constructor": {"y": "2"}}));
    reads("a[__proto__][x]=1", json!({"a": {}}));
    reads("a[b]=1&a=__proto__", json!({"a": [{"b": "1"}, "__proto__"]}));
}

#[test]
fn text_is_decoded_once() {
    reads("x=%C3%A9+y%20z&%5ba%5D=%255B", json!({"x": "\u{e9} y z", "a": "%5B"}));
    reads("x=%zz&y=%ff&z=%", json!({"x": "%zz", "y": "%ff", "z": "%"}));
    reads("a%5Bb%5D=1=2&c]=d", json!({"a": {"b": "1=2"}, "c]": "d"}));
}
