// Draws what UPSes have told, from the same CSV that people may take away. Without it the page says the figures in words.
/** By id: what is drawn in an element, from which text. A plot is known to uPlot until it is destroyed. */
const charts = new Map()
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

function parse(text) {
  const [head = '', ...lines] = text.trim().split('\n')
  const names = head.split(',')
  const rows = lines.map((line) => line.split(','))
  const column = (name) => {
    const index = names.indexOf(name)
    return rows.map((row) => (row[index] === '' || row[index] === undefined ? null : Number(row[index])))
  }
  return { times: rows.map((row) => Date.parse(row[0]) / 1_000), column }
}

/** Outages as bands, and the beginnings of their phases as lines, behind the figures. */
function marks(element) {
  return (plot) => {
    const { ctx, bbox } = plot
    ctx.save()
    ctx.beginPath()
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
    ctx.clip()
    for (const { from, to, phases } of JSON.parse(element.dataset.marks)) {
      const left = plot.valToPos(from / 1_000, 'x', true)
      const right = plot.valToPos(to / 1_000, 'x', true)
      ctx.fillStyle = colour('--danger-soft')
      ctx.fillRect(left, bbox.top, Math.max(2 * devicePixelRatio, right - left), bbox.height)
      ctx.strokeStyle = colour('--danger')
      ctx.lineWidth = devicePixelRatio
      for (const at of phases) {
        const x = plot.valToPos(at / 1_000, 'x', true)
        ctx.beginPath()
        ctx.moveTo(x, bbox.top)
        ctx.lineTo(x, bbox.top + bbox.height)
        ctx.stroke()
      }
    }
    ctx.restore()
  }
}

const panels = [
  {
    unit: '%',
    range: [0, 100],
    series: [
      ['charge_percent', 'charge', '--pine'],
      ['load_percent', 'load', '--blue'],
    ],
  },
  { unit: 'min', scale: 1 / 60, zero: true, series: [['runtime_seconds', 'runtime', '--amber']] },
  { unit: 'V', series: [['input_volts', 'input voltage', '--soft']] },
]

/** What of the panels has figures, in their units. */
function panelsIn(text) {
  const { times, column } = parse(text)
  const known = panels
    .map((panel) => ({
      ...panel,
      values: panel.series.map(([name]) =>
        column(name).map((value) => (value === null ? null : value * (panel.scale ?? 1))),
      ),
    }))
    .filter(({ values }) => values.some((all) => all.some((value) => value !== null)))
  return { times, known }
}

/** Where nobody points at a moment it is the newest. */
function wordsOf(value, unit) {
  return value === null || value === undefined ? '–' : `${Math.round(value * 10) / 10} ${unit}`
}

function optionsOf(element, { unit, range, zero, series }, { width, isSparse }) {
  const axis = {
    stroke: colour('--soft'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui',
  }
  return {
    width,
    height: range ? 180 : 120,
    cursor: { sync: { key: element.id } },
    scales: {
      x: {
        time: true,
        range: () => {
          const now = Date.now() / 1_000
          return [now - 86_400, now]
        },
      },
      y: {
        range: (plot, least, most) =>
          range ?? [zero ? 0 : Math.floor(least - 2), Math.ceil(most * (zero ? 1.1 : 1) + 2)],
      },
    },
    axes: [
      { ...axis, values: '{HH}:{mm}', space: 70, size: 30 },
      {
        ...axis,
        size: 64,
        space: range ? 30 : 22,
        values: (plot, all) => all.map((value) => `${Math.round(value)} ${unit}`),
      },
    ],
    series: [
      { label: 'time', value: '{YYYY}-{MM}-{DD} {HH}:{mm}' },
      ...series.map(([, label, stroke]) => ({
        label,
        stroke: colour(stroke),
        width: 2,
        points: { show: isSparse },
        value: (plot, value, index, at) => wordsOf(at === null ? plot.data?.[index]?.at(-1) : value, unit),
      })),
    ],
    hooks: { drawClear: [marks(element)] },
  }
}

/** New figures go into the plots that are there: a pointer stays where it is, and nothing flickers. */
function draw(element, text) {
  const chart = charts.get(element.id)
  if (!chart) return
  const { times, known } = panelsIn(text)
  const isSparse = times.length < 3
  const drawing = element.querySelector('[data-drawing]')
  const kind = [...known.map(({ unit }) => unit), isSparse].join()
  if (chart.kind === kind && chart.drawing === drawing && drawing.childElementCount > 0) {
    for (const [index, { values }] of known.entries()) chart.plots[index].setData([times, ...values])
    return
  }
  end(chart)
  drawing.replaceChildren()
  Object.assign(chart, {
    kind,
    drawing,
    plots: known.map(
      (panel) =>
        new uPlot(optionsOf(element, panel, { width: widthOf(element), isSparse }), [times, ...panel.values], drawing),
    ),
  })
}

const widthOf = (element) => Math.max(200, element.querySelector('[data-drawing]').clientWidth)

function end(chart) {
  for (const plot of chart.plots) plot.destroy()
  Object.assign(chart, { plots: [], kind: undefined })
}

async function show() {
  const elements = [...document.querySelectorAll('[data-readings]')]
  for (const [id, chart] of charts) {
    if (elements.some((element) => element.id === id)) continue
    end(chart)
    charts.delete(id)
  }
  for (const element of elements) {
    const before = charts.get(element.id)
    const { marks: shownMarks } = element.dataset
    const drawing = element.querySelector('[data-drawing]')
    const isLost = before?.drawing !== undefined && (before.drawing !== drawing || drawing.childElementCount === 0)
    if (before && !isLost && Date.now() - before.at < 60_000 && before.marks === shownMarks) continue
    const chart = Object.assign(before ?? { plots: [] }, { at: Date.now(), marks: shownMarks })
    charts.set(element.id, chart)
    try {
      const response = await fetch(element.dataset.readings)
      if (response.ok) draw(element, await response.text())
    } catch {
      // It is drawn with the next change.
      chart.at = 0
    }
  }
}

function fit() {
  for (const element of document.querySelectorAll('[data-readings]')) {
    const width = widthOf(element)
    for (const plot of charts.get(element.id)?.plots ?? [])
      if (plot.width !== width) plot.setSize({ width, height: plot.height })
  }
}

document.addEventListener('caretaker:shown', () => void show())
addEventListener('resize', fit)
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const chart of charts.values()) end(chart)
  charts.clear()
  void show()
})
void show()
