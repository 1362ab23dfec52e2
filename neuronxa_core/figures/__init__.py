"""Results -> plotly figures and the sentences under them. Pure functions; the only room that knows plotly.

A module is a question and has its figures, each as a picture that can leave the page (`exportable_...`), and its findings.
"""
