// Draws figures as SVG with the plotly that Streamlit has on the page, and sends them to Python under their token.
const PATIENCE = 20000;

async function plotly() {
  const end = Date.now() + PATIENCE;
  while (!window.Plotly?.toImage) {
    if (Date.now() > end) throw new Error("no plotly on this page");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return window.Plotly;
}

async function draw(figure) {
  const { data, layout } = JSON.parse(figure);
  const options = { format: "svg", width: layout.width, height: layout.height };
  const address = await (await plotly()).toImage({ data, layout, config: { staticPlot: true } }, options);
  return decodeURIComponent(address.slice(address.indexOf(",") + 1));
}

export default function ({ data, parentElement, setStateValue }) {
  if (parentElement.neuronxaToken === data.token) return;
  parentElement.neuronxaToken = data.token;
  (async () => {
    const drawn = [];
    try {
      await document.fonts.ready;
      for (const figure of data.figures) {
        if (parentElement.neuronxaToken !== data.token) return; // other figures were asked for meanwhile
        drawn.push(await draw(figure));
      }
      setStateValue("drawn", { token: data.token, svgs: drawn });
    } catch (problem) {
      setStateValue("drawn", { token: data.token, problem: String(problem) });
    }
  })();
}
