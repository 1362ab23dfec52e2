"""Still pictures: figures of the first page, written as SVG by the gallery's build. They stand without plotly."""
