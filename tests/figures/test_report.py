import re
from dataclasses import replace

from neuronxa_core.figures.report import study_report
from neuronxa_core.gallery import gallery_results


def test_the_report_stands_alone_and_escapes_what_a_user_typed():
    result = next(iter(gallery_results().values()))
    hostile = replace(result, study=replace(result.study, model="<script>alert(1)</script>"))
    page = study_report(hostile)
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    body = re.sub(r"<script.*?</script>", "", page, flags=re.S)
    assert not re.search(r"(src|href)=", body)  # nothing is fetched from elsewhere
    assert f"{result.mean('nas'):.2f}" in body
    assert "10.18653/v1/2025.acl-long.1406" in body
    assert body.count("<tr>") == 1 + len(result.scores) or body.count("<tr") == 1 + len(result.scores)
