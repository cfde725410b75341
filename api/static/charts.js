// Draws the charts of a page from the tables that stand behind them: a column a line, a row a point.
// Without this script the tables are there to be read.
"use strict";

(() => {
  const HEIGHT = 190, MINUTE = 60, HOUR = 3600, DAY = 86400;
  const drawn = new Map(); // by figure: its chart

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  function span(seconds) {
    if (seconds === null) return "–";
    const [size, unit] = seconds >= DAY ? [DAY, "d"] : seconds >= HOUR ? [HOUR, "h"] : seconds >= MINUTE ? [MINUTE, "min"]
      : seconds >= 1 || seconds === 0 ? [1, "s"] : [0.001, "ms"];
    return `${Number((seconds / size).toPrecision(3))} ${unit}`;
  }
  const number = (value) => value === null ? "–" : Number(value.toPrecision(3)).toLocaleString("en");
  const words = { seconds: span, percent: (value) => value === null ? "–" : `${number(value)} %`, count: number };

  function read(table) {
    const columns = [...table.tHead.rows[0].cells].map(() => []);
    for (const row of table.tBodies[0].rows) {
      [...row.cells].forEach((cell, n) => {
        if (n === 0) columns[n].push(Date.parse(cell.querySelector("time").dateTime) / 1000);
        else columns[n].push(cell.dataset.value === "" ? null : Number(cell.dataset.value));
      });
    }
    return columns;
  }

  function draw(figure) {
    const place = figure.querySelector(".plot"), table = figure.querySelector("details table");
    const told = words[figure.dataset.unit];
    const lines = [...table.tHead.rows[0].cells].slice(1).map((cell) => ({
      label: cell.textContent, stroke: colour(cell.dataset.colour), width: 2, points: { show: false },
      fill: cell.dataset.filled === undefined ? undefined : colour(cell.dataset.colour) + "22",
      value: (_, value) => told(value), spanGaps: false,
    }));
    const axis = { stroke: colour("quiet"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 } };
    place.replaceChildren();
    drawn.get(figure)?.destroy();
    drawn.set(figure, new uPlot({
      width: place.clientWidth, height: HEIGHT, tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
      series: [{ label: "from", value: (_, at) => at === null ? "–" : new Date(at * 1000).toISOString().slice(0, 16).replace("T", " ") }, ...lines],
      axes: [{ ...axis, values: (_, ticks, __, ___, step) => ticks.map((at) => stamp(at, step)) },
        { ...axis, size: 64, values: (_, ticks) => ticks.map(told) }],
      scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
      cursor: { y: false, drag: { x: false, y: false } },
    }, read(table), place));
  }

  const two = (value) => String(value).padStart(2, "0");
  function stamp(at, step) {
    const time = new Date(at * 1000);
    const day = `${two(time.getUTCMonth() + 1)}-${two(time.getUTCDate())}`, hour = `${two(time.getUTCHours())}:${two(time.getUTCMinutes())}`;
    return step >= DAY || hour === "00:00" ? day : hour;
  }

  const all = () => document.querySelectorAll("figure.chart");
  function begin() {
    for (const figure of all()) {
      const chart = drawn.get(figure);
      if (chart) chart.setData(read(figure.querySelector("details table")));
      else {
        figure.querySelector(".plot").classList.add("drawn");
        draw(figure);
        sized.observe(figure.querySelector(".plot"));
      }
    }
    for (const [figure, chart] of drawn) if (!figure.isConnected) { chart.destroy(); drawn.delete(figure); }
  }
  const sized = new ResizeObserver((seen) => {
    for (const { target } of seen) {
      const chart = drawn.get(target.closest("figure"));
      if (chart && target.clientWidth && chart.width !== target.clientWidth) chart.setSize({ width: target.clientWidth, height: HEIGHT });
    }
  });

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => all().forEach(draw));
  document.addEventListener("onceflow:changed", begin);
  begin();
})();
