from neuronxa_core.models.curated import CURATED, curated
from neuronxa_core.models.families import FAMILIES


def test_every_line_is_of_a_family_that_is_read_and_they_go_from_small_to_large():
    assert len({model.id for model in CURATED}) == len(CURATED) >= 30
    assert [model.billions for model in CURATED] == sorted(model.billions for model in CURATED)
    assert {model.family for model in CURATED} <= set(FAMILIES)
    assert all(model.id.count("/") == 1 and model.licence and model.languages and model.title for model in CURATED)


def test_the_families_of_the_paper_are_there():
    assert {"llama", "qwen2", "mistral", "glm4", "olmo2"} <= {model.family for model in CURATED if model.billions > 6}


def test_memory_is_two_bytes_a_parameter():
    assert curated("Qwen/Qwen2.5-7B").memory_bytes == 15_240_000_000
    assert curated("nobody/nothing") is None
