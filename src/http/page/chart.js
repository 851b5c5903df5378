// Small charts as SVG. Each says in words what it shows.

/** Path data through the points that have a value; gaps are bridged. */
function path(values, x, y) {
  let text = "", begun = false;
  values.forEach((value, place) => {
    if (!present(value)) return;
    text += `${begun ? "L" : "M"}${x(place).toFixed(1)} ${y(value).toFixed(1)}`;
    begun = true;
  });
  return text;
}

function range(values, around = []) {
  const known = [...values.filter(present), ...around];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return high > low ? [low, high] : [low - 1, high + 1];
}

/** A range with some room on both sides. */
function spread(values) {
  const [low, high] = range(values), room = (high - low) / 8;
  return [low - room, high + room];
}

/** A line without axes; `line` draws a benchmark, `floor` is always within the scale. */
function sparkline(values, label, line, floor) {
  const known = values.filter(present);
  if (known.length < 2) return null;
  const [low, high] = range(values, [line, floor].filter(present));
  const [x, y] = [place => 200 * place / (values.length - 1), value => 31 - 28 * (value - low) / (high - low)];
  return svg("svg", { viewBox: "0 0 200 34", preserveAspectRatio: "none", role: "img", "aria-label": label },
    present(line) ? svg("path", { d: `M0 ${y(line)}H200`, stroke: "var(--muted)", "stroke-dasharray": "3 3", "vector-effect": "non-scaling-stroke" }) : null,
    svg("path", { d: path(values, x, y), fill: "none", stroke: "var(--accent)", "stroke-width": 1.8, "vector-effect": "non-scaling-stroke", "stroke-linejoin": "round" }));
}

/** A line with dates and values; `bands` are areas [from, to, name], `marks` are [place, value, band, title], `lines` are benchmarks. */
function lineChart(target, { from, values, format, label, limits, bands = [], marks = [], lines = [], height = 190 }) {
  const known = values.filter(present);
  if (!known.length) return target.replaceChildren(element("p", "empty", "No values yet."));
  const first = Math.max(0, values.findIndex(present) - 1);
  const shown = values.slice(first), width = Math.max(280, target.clientWidth || 600);
  const [left, right, top, bottom] = [limits ? 30 : 62, 8, 8, 20];
  const [low, high] = limits || (lines.length ? spread([...known, ...lines]) : [0, 1.1 * Math.max(1, ...known)]);
  const scale = limits ? [low, ...bands.slice(1).map(([a]) => a), high] : lines.length ? lines : [0, Math.max(...known)];
  const last = Math.max(1, shown.length - 1);
  const x = place => left + (width - left - right) * place / last;
  const y = value => height - bottom - (height - top - bottom) * (value - low) / (high - low);
  // The extremes as well, where they do not hide a benchmark.
  const extremes = limits || !lines.length ? [] : [Math.min(...known), Math.max(...known)].filter(value => lines.every(line => Math.abs(y(value) - y(line)) > 14));
  const dated = place => dateAfter(from, first + place);
  const cursor = svg("path", { class: "axis", d: "" });
  const readout = element("p", "readout", `${dated(last)}: ${format(known.at(-1))}`);
  const drawing = svg("svg", { height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    ...bands.map(([a, b, name]) => svg("rect", { x: left, width: width - left - right, y: y(b), height: y(a) - y(b), fill: `var(--wash-${name})` })),
    ...[...scale, ...extremes].map(value => svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, limits ? String(value) : lines.length ? format(value) : short(value))),
    ...lines.map(value => svg("path", { d: `M${left} ${y(value)}H${width - right}`, stroke: "var(--muted)", "stroke-dasharray": "4 4" })),
    svg("text", { x: left, y: height - 5 }, dated(0)),
    svg("text", { x: width - right, y: height - 5, "text-anchor": "end" }, dated(last)),
    cursor,
    svg("path", { d: path(shown, x, y), fill: "none", stroke: "var(--accent)", "stroke-width": 2, "stroke-linejoin": "round" }),
    ...(shown.filter(present).length < 40 ? shown.flatMap((value, place) => present(value) ? [svg("circle", { cx: x(place), cy: y(value), r: 2, fill: "var(--accent)" })] : []) : []),
    ...marks.map(([place, value, band, title]) => svg("circle", { cx: x(place - first), cy: y(value), r: 5, fill: `var(--${band})`, stroke: "var(--panel)", "stroke-width": 1.5 }, svg("title", {}, title))));
  drawing.addEventListener("pointermove", event => {
    const at = Math.round(last * (event.offsetX * width / drawing.clientWidth - left) / (width - left - right));
    const place = Math.min(last, Math.max(0, at));
    cursor.setAttribute("d", `M${x(place)} ${top}V${height - bottom}`);
    say(readout, `${dated(place)}: ${present(shown[place]) ? format(shown[place]) : "no value"}`);
  });
  target.replaceChildren(element("div", "chart", drawing), readout);
}

/** Counts over time that add up, one area on the other, from the bottom. */
function stackedChart(target, { from, series, label, height = 190 }) {
  const count = series[0].values.length;
  const places = [...Array(count).keys()].filter(place => series.every(({ values }) => present(values[place])));
  if (places.length < 2) return target.replaceChildren(element("p", "empty", "No history yet: scores are kept from the first day on."));
  const width = Math.max(280, target.clientWidth || 600), [left, right, top, bottom] = [40, 8, 8, 20];
  const sums = places.map(place => series.reduce((sum, { values }) => sum + values[place], 0));
  const high = Math.max(1, ...sums);
  const x = index => left + (width - left - right) * (places[index] - places[0]) / Math.max(1, places.at(-1) - places[0]);
  const y = value => height - bottom - (height - top - bottom) * value / high;
  let under = places.map(() => 0);
  const areas = series.map(({ name, values }) => {
    const over = places.map((place, index) => under[index] + values[place]);
    const up = over.map((value, index) => `${x(index).toFixed(1)} ${y(value).toFixed(1)}`);
    const back = under.map((value, index) => `${x(index).toFixed(1)} ${y(value).toFixed(1)}`).reverse();
    under = over;
    return svg("path", { d: `M${up.join("L")}L${back.join("L")}Z`, fill: `var(--${name})` });
  });
  target.replaceChildren(element("div", "chart", svg("svg", { height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    ...areas,
    svg("text", { x: left - 6, y: y(high) + 8, "text-anchor": "end" }, whole(high)),
    svg("text", { x: left - 6, y: y(0), "text-anchor": "end" }, "0"),
    svg("text", { x: left, y: height - 5 }, dateAfter(from, places[0])),
    svg("text", { x: width - right, y: height - 5, "text-anchor": "end" }, dateAfter(from, places.at(-1))))));
}

/** A component's curve with the account's point on it. */
function curve(component) {
  const xs = [...component.curve.map(([x]) => x), component.value], [low, high] = [Math.min(...xs), Math.max(...xs)];
  const [x, y] = [value => 4 + 112 * (value - low) / (high - low || 1), score => 37 - 33 * score / 100];
  const points = component.curve.map(([a, b]) => `${x(a).toFixed(1)} ${y(b).toFixed(1)}`);
  const label = `curve from ${number(low)} to ${number(high)}; the value ${component.said} scores ${fixed(component.score, 0)}`;
  return svg("svg", { viewBox: "0 0 120 42", role: "img", "aria-label": label },
    svg("path", { d: `M${x(low)} ${y(component.curve[0][1])}L${points.join("L")}L${x(high)} ${y(component.curve.at(-1)[1])}`, fill: "none", stroke: "var(--muted)", "stroke-width": 1.3 }),
    svg("circle", { cx: x(component.value), cy: y(component.score), r: 4.5, fill: `var(--${bandOf(component.score)})`, stroke: "var(--panel)" }));
}

/** Counts by date as bars. */
function bars(activity) {
  const days = Math.round((Date.parse(activity.to) - Date.parse(activity.from)) / 86400000) + 1;
  const high = Math.max(1, ...activity.days.map(([, count]) => count));
  const total = activity.days.reduce((sum, [, count]) => sum + count, 0);
  const bar = ([date, count]) => {
    const place = Math.round((Date.parse(date) - Date.parse(activity.from)) / 86400000), tall = Math.max(1, 32 * count / high);
    return svg("rect", { x: (400 * place / days).toFixed(1), width: Math.max(1, 400 / days - 1).toFixed(1), y: 34 - tall, height: tall, fill: "var(--accent)" }, svg("title", {}, `${date}: ${count}`));
  };
  const label = `${activity.what}: ${whole(total)} from ${activity.from} to ${activity.to}, at most ${whole(high)} in a day`;
  return svg("svg", { viewBox: "0 0 400 34", preserveAspectRatio: "none", role: "img", "aria-label": label, height: 34 }, ...activity.days.map(bar));
}
