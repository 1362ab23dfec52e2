"""The models that the picker offers: those of the paper's families, and multilingual ones, from small to large.

Figures are from the model cards as of November 2026. Licences are summarised and are not legal advice.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class CuratedModel:
    """One model in the picker."""

    id: str
    title: str
    family: str
    """The `model_type` of its config."""
    billions: float
    """All parameters, in billions."""
    languages: str
    licence: str
    gated: bool = False
    """Its terms must be accepted on its page, and HF_TOKEN must be set."""

    @property
    def memory_bytes(self) -> int:
        """The weights in bfloat16."""
        return int(2e9 * self.billions)


_APACHE, _GEMMA = "Apache 2.0", "Gemma Terms of Use"
_QWEN3, _GEMMA3 = "119 languages", "over 140 languages"
_LLAMA_8 = "8 languages"

CURATED: tuple[CuratedModel, ...] = (
    CuratedModel("google/gemma-3-270m", "Gemma 3 270M", "gemma3_text", 0.27, _GEMMA3, _GEMMA, gated=True),
    CuratedModel("FacebookAI/xlm-roberta-base", "XLM-R base (encoder)", "xlm-roberta", 0.28, "100 languages", "MIT"),
    CuratedModel("Qwen/Qwen2.5-0.5B", "Qwen 2.5 0.5B", "qwen2", 0.49, "over 29 languages", _APACHE),
    CuratedModel("bigscience/bloom-560m", "BLOOM 560M", "bloom", 0.56, "46 languages", "BigScience RAIL 1.0"),
    CuratedModel("FacebookAI/xlm-roberta-large", "XLM-R large (encoder)", "xlm-roberta", 0.56, "100 languages", "MIT"),
    CuratedModel("Qwen/Qwen3-0.6B-Base", "Qwen 3 0.6B", "qwen3", 0.6, _QWEN3, _APACHE),
    CuratedModel("meta-llama/Llama-3.2-1B", "Llama 3.2 1B", "llama", 1.24, _LLAMA_8, "Llama 3.2 Community", gated=True),
    CuratedModel("utter-project/EuroLLM-1.7B", "EuroLLM 1.7B", "llama", 1.66, "35 languages", _APACHE),
    CuratedModel("Qwen/Qwen3-1.7B-Base", "Qwen 3 1.7B", "qwen3", 1.72, _QWEN3, _APACHE),
    CuratedModel("BSC-LT/salamandra-2b", "Salamandra 2B", "llama", 2.25, "35 languages", _APACHE),
    CuratedModel("HuggingFaceTB/SmolLM3-3B-Base", "SmolLM3 3B", "smollm3", 3.08, "6 languages", _APACHE),
    CuratedModel("Qwen/Qwen3-4B-Base", "Qwen 3 4B", "qwen3", 4.02, _QWEN3, _APACHE),
    CuratedModel("google/gemma-3-4b-pt", "Gemma 3 4B", "gemma3", 4.3, _GEMMA3, _GEMMA, gated=True),
    CuratedModel(
        "meta-llama/Llama-2-7b-hf", "Llama 2 7B", "llama", 6.74, "mostly English", "Llama 2 Community", gated=True
    ),
    CuratedModel("Unbabel/TowerBase-7B-v0.1", "TowerBase 7B", "llama", 6.74, "10 languages", "CC BY-NC 4.0"),
    CuratedModel("bigscience/bloom-7b1", "BLOOM 7B", "bloom", 7.07, "46 languages", "BigScience RAIL 1.0"),
    CuratedModel("mistralai/Mistral-7B-v0.3", "Mistral 7B v0.3", "mistral", 7.25, "mostly English", _APACHE),
    CuratedModel("allenai/OLMo-2-1124-7B", "OLMo 2 7B", "olmo2", 7.3, "English", _APACHE),
    CuratedModel("Qwen/Qwen2.5-7B", "Qwen 2.5 7B", "qwen2", 7.62, "over 29 languages", _APACHE),
    CuratedModel("BSC-LT/salamandra-7b", "Salamandra 7B", "llama", 7.77, "35 languages", _APACHE),
    CuratedModel("meta-llama/Llama-3.1-8B", "Llama 3.1 8B", "llama", 8.03, _LLAMA_8, "Llama 3.1 Community", gated=True),
    CuratedModel(
        "CohereLabs/aya-expanse-8b", "Aya Expanse 8B", "cohere", 8.03, "23 languages", "CC BY-NC 4.0", gated=True
    ),
    CuratedModel("swiss-ai/Apertus-8B-2509", "Apertus 8B", "apertus", 8.05, "1,811 languages", _APACHE, gated=True),
    CuratedModel("ibm-granite/granite-3.3-8b-base", "Granite 3.3 8B", "granite", 8.17, "12 languages", _APACHE),
    CuratedModel("Qwen/Qwen3-8B-Base", "Qwen 3 8B", "qwen3", 8.19, _QWEN3, _APACHE),
    CuratedModel("utter-project/EuroLLM-9B", "EuroLLM 9B", "llama", 9.15, "35 languages", _APACHE, gated=True),
    CuratedModel("google/gemma-2-9b", "Gemma 2 9B", "gemma2", 9.24, "mostly English", _GEMMA, gated=True),
    CuratedModel("zai-org/GLM-4-9B-0414", "GLM-4 9B", "glm4", 9.4, "Chinese, English and more", "MIT"),
    CuratedModel("google/gemma-3-12b-pt", "Gemma 3 12B", "gemma3", 12.19, _GEMMA3, _GEMMA, gated=True),
    CuratedModel(
        "meta-llama/Llama-2-13b-hf", "Llama 2 13B", "llama", 13.02, "mostly English", "Llama 2 Community", gated=True
    ),
    CuratedModel("allenai/OLMo-2-1124-13B", "OLMo 2 13B", "olmo2", 13.72, "English", _APACHE),
    CuratedModel("Qwen/Qwen2.5-14B", "Qwen 2.5 14B", "qwen2", 14.77, "over 29 languages", _APACHE),
    CuratedModel("openai/gpt-oss-20b", "GPT-OSS 20B (experts)", "gpt_oss", 20.91, "mostly English", _APACHE),
    CuratedModel("Qwen/Qwen3-30B-A3B-Base", "Qwen 3 30B (experts)", "qwen3_moe", 30.53, _QWEN3, _APACHE),
)
"""Sorted from small to large."""


def curated(model: str) -> CuratedModel | None:
    """The entry of a hub id, or None."""
    return next((each for each in CURATED if each.id == model), None)
