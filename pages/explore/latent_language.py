"""Latent language: does the model pass through a pivot language on its way to the answer?"""

import json

import streamlit as st

from neuronxa_core.analyses.latent_answer import LatentAnswer
from neuronxa_core.analyses.latent_language import LatentLanguage
from neuronxa_core.analyses.latent_languages import LatentLanguages
from neuronxa_core.analyses.latent_prompts import template_of
from neuronxa_core.analyses.lens_grid import LONGEST, GridAnswer, Lens
from neuronxa_core.corpora.languages import language, search_terms
from neuronxa_core.corpora.words import open_words
from neuronxa_core.figures import latent_language as figures
from neuronxa_core.figures.tables import Column
from neuronxa_core.gallery.latent import USUAL_TARGETS, alignment_with
from neuronxa_core.study.study import Study
from pages.explore.latent_controls import latent_request
from pages.shared import bound, glossary, look
from pages.shared.clicks import clicked
from pages.shared.languages import MOST_LANGUAGES
from pages.shared.run import Place, answer_here, answer_or_stop, settle_or_stop, study_or_stop


def latent_page() -> None:
    study = study_or_stop()
    request = settle_or_stop(latent_request(study))
    answer = answer_or_stop(request, _place(request))
    look.picture(figures.exportable_latent(answer), "lat_curves", figures.latent_finding(answer))
    st.caption(figures.words_finding(answer))
    _numbers(answer)
    _grid(answer)
    _across(request, study)
    with st.expander("How to read this", icon=":material/help:"):
        st.markdown(glossary.explained("latent_language"))
    with st.expander("Where the numbers come from", icon=":material/receipt_long:"):
        look.provenance(answer)


def _place(request: LatentLanguage) -> Place:
    shots = f"{request.shots} example{'s' * (request.shots != 1)}"
    return Place(
        figures.HEIGHT,
        about=(f"pivot {language(request.pivot).name}", request.task, shots, f"words {request.words_name}"),
        files=_files,
    )


def _files(answer: LatentAnswer) -> look.Files:
    """The files that the command line writes."""
    return {
        "Curves, CSV": (".latent.csv", lambda: answer.curves.to_csv(index=False)),
        **look.table_files("Every word", ".words", lambda: answer.word_table),
        "Summary and provenance, JSON": (".summary.json", lambda: json.dumps(answer.summary, indent=2)),
    }


def _numbers(answer: LatentAnswer) -> None:
    """Draws the tables: the curves, every word, and the prompt as the model reads it."""
    with st.expander("The numbers", icon=":material/table:"):
        look.table(answer.curves)
        look.table_downloads(answer.curves, f"{answer.stem}.latent", "lat_curves_table")
        look.table(answer.entropies)
    with st.expander("The words and their prompts", icon=":material/dictionary:"):
        told = answer.word_table[["row", "source", "target", "pivot", "used", "reason", "prompt"]]
        look.table(told)
        look.table_downloads(answer.word_table, f"{answer.stem}.words", "lat_words_table", "With values at every layer")
        st.caption(f"The first prompt, from the line `{template_of(answer.request.task, answer.request.template)}`:")
        st.code(answer.used[0].prompt, language=None, wrap_lines=True)


def _grid(answer: LatentAnswer) -> None:
    """Draws the logit lens at every token of a text, by default the first prompt."""
    st.header("One prompt, token by token")
    first = answer.used[0].prompt
    text = st.text_area(
        "Text", first, max_chars=LONGEST, key=f"lat_text_{hash(first)}", height=130, help="Any text in any language."
    )
    if not text.strip():
        st.info("Write a sentence, or the beginning of one.", icon=":material/edit:")
        return
    grid = answer_here(Lens(answer.study, text), Place(height=320, key="_lens"))
    if grid is not None:
        _grid_view(grid)


@st.fragment
def _grid_view(grid: GridAnswer) -> None:
    """Draws the grid and the ten candidates of the selected cell, by default the last token's at the last layer."""
    last = len(grid.tokens) - 1
    chosen = clicked("lat_grid")
    layer, place = map(int, chosen[:2]) if chosen else (grid.layers, last)
    if layer > grid.layers or place > last:
        layer, place = grid.layers, last
    exportable = figures.exportable_grid(grid, (layer, place))
    look.picture(
        exportable, "lat_grid", look.plain(figures.grid_finding(grid)), on_select="rerun", selection_mode="points"
    )
    st.caption(f"Layer {layer}, after the token {look.plain(repr(grid.tokens[place]))}. Click a cell to see another.")
    look.table(grid.cell(layer, place), {"probability": Column("Probability", "%.4f")})
    look.table_downloads(grid.table, f"{grid.study.stem}.lens", "lat_lens_table", "All cells")


def _across(request: LatentLanguage, study: Study) -> None:
    """Draws the pivot's share and the overtaking layer of every target, beside NASCA."""
    st.header("Across languages")
    apart = (request.pivot, request.study.source)
    codes = [code for code in open_words(request.words).words if code not in apart]
    bound.adopt("lat_codes", codes, [code for code in codes if code in USUAL_TARGETS], bound.code_of)
    with st.popover("Choose languages", icon=":material/translate:"):
        chosen = st.multiselect(
            f"Target languages ({MOST_LANGUAGES} at most)",
            codes,
            key="lat_codes",
            format_func=search_terms,
            max_selections=MOST_LANGUAGES,
            help="Each language adds one pass of the model over its prompts.",
        )
    bound.write("lat_codes")
    if not chosen:
        st.info("Choose at least one language.", icon=":material/translate:")
        return
    asked = LatentLanguages(request.study, request, tuple(code for code in codes if code in chosen))
    answers = answer_here(asked, Place(height=300, key="_targets"))
    if answers is None:
        return
    table = answers.table(alignment_with(study, request.pivot, asked.targets))
    look.picture(figures.exportable_across(answers, table), "lat_targets", figures.across_finding(answers, table))
    for code, reason in answers.refused.items():
        st.caption(f"{language(code).name}: {look.plain(reason)}")
    with st.expander("The numbers of every language", icon=":material/table:"):
        look.table(table)
        look.table_downloads(table, f"{answers.answers[0].stem}.targets", "lat_targets_table")


st.title("Latent language")
st.html("<p class='nx-question'>Does the model go by way of English when it answers in another language?</p>")

latent_page()
