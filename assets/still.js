// Shows a figure as the SVG of the gallery's build that fits, and asks once for the live figure: when it is touched, or
// when somebody has scrolled to it and stays. A fixed one stays a picture.
const STAYS = 300;

async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

function fit(host) {
  const width = host.clientWidth;
  if (!width || !host.svgs) return;
  const [, svg] = host.svgs.findLast(([each]) => each <= width) ?? host.svgs[0];
  if (host.shown === svg) return;
  host.shown = svg;
  host.innerHTML = svg;
  const drawn = host.firstElementChild;
  drawn.setAttribute("aria-hidden", "true");
  const size = ["width", "height"].map((name) => parseFloat(drawn.getAttribute(name)));
  drawn.setAttribute("viewBox", `0 0 ${size[0]} ${size[1]}`); // narrower than the narrowest: smaller, never cut
  drawn.removeAttribute("style");
  drawn.setAttribute("width", "100%");
}

function listen(host) {
  const stop = new AbortController();
  const { signal } = stop;
  const ask = () => {
    stop.abort();
    host.ask();
  };
  for (const kind of ["pointerenter", "pointerdown"]) host.addEventListener(kind, ask, { signal });
  let rests;
  const scrolled = ({ target }) => {
    clearTimeout(rests);
    if (target.scrollTop > 0) rests = setTimeout(() => !signal.aborted && inView(host) && ask(), STAYS);
  };
  document.addEventListener("scroll", scrolled, { signal, capture: true, passive: true });
}

function inView(host) {
  const { top, bottom, height } = host.getBoundingClientRect();
  return height > 0 && Math.min(bottom, window.innerHeight) - Math.max(top, 0) > height / 2;
}

export default function show({ data, parentElement, setTriggerValue }) {
  let host = parentElement.querySelector(".nx-still");
  if (!host) {
    host = document.createElement("div");
    host.className = "nx-still";
    host.setAttribute("role", "img");
    parentElement.append(host);
    new ResizeObserver(() => fit(host)).observe(host);
    if (!data.fixed) listen(host);
  }
  host.ask = () => setTriggerValue("touched", true);
  host.setAttribute("aria-label", data.alt);
  host.style.height = `${data.height}px`;
  if (host.packed === data.packed) return;
  host.packed = data.packed;
  unpack(data.packed).then((svgs) => {
    if (host.packed !== data.packed) return; // the other scheme was asked for meanwhile
    host.svgs = svgs;
    fit(host);
  });
}
