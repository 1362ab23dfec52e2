from tests.told import amends


def test_what_is_amended_is_named_by_file_line_and_verb():
    assert amends(["a", "c"], ["a", "b"], "README.md, the list") == "README.md, the list: add 'b' and take off 'c'."
    assert amends({"a": 1}, ["a", "b"], "here") == "here: add 'b'."
    assert amends(["b", "a"], ["a", "b"], "here") == "here: bring into this order: ['a', 'b']."
