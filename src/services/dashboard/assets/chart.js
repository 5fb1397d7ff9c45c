// Draws what UPSes have told, from the same CSV that people may take away. Without it the page says the figures in words.
'use strict'
;(() => {
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
  function marks(all) {
    return (plot) => {
      const { ctx, bbox } = plot
      ctx.save()
      ctx.beginPath()
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
      ctx.clip()
      for (const { from, to, phases } of all) {
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

  function draw(element, text) {
    const { times, column } = parse(text)
    const known = panels
      .map((panel) => ({
        ...panel,
        values: panel.series.map(([name]) =>
          column(name).map((value) => (value === null ? null : value * (panel.scale ?? 1))),
        ),
      }))
      .filter(({ values }) => values.some((all) => all.some((value) => value !== null)))
    const drawing = element.querySelector('[data-drawing]')
    drawing.replaceChildren()
    const width = Math.max(200, drawing.clientWidth)
    const now = Date.now() / 1_000
    const axis = {
      stroke: colour('--soft'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
      font: '12px system-ui',
    }
    for (const { unit, range, zero, series, values } of known) {
      // oxlint-disable-next-line no-new -- it draws into the page by itself
      new uPlot(
        {
          width,
          height: range ? 180 : 120,
          cursor: { sync: { key: element.id } },
          scales: {
            x: { time: true, range: () => [now - 86_400, now] },
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
              points: { show: times.length < 3 },
              value: (plot, value) =>
                value === null || value === undefined ? '–' : `${Math.round(value * 10) / 10} ${unit}`,
            })),
          ],
          hooks: { drawClear: [marks(JSON.parse(element.dataset.marks))] },
        },
        [times, ...values],
        drawing,
      )
    }
  }

  async function show() {
    for (const element of document.querySelectorAll('[data-readings]')) {
      const before = charts.get(element.id)
      const isMoved = before && before.width !== element.clientWidth
      const isEmpty = element.querySelector('[data-drawing]').childElementCount === 0
      if (before && !isMoved && !isEmpty && Date.now() - before.at < 60_000 && before.marks === element.dataset.marks)
        continue
      charts.set(element.id, { at: Date.now(), width: element.clientWidth, marks: element.dataset.marks })
      try {
        const response = await fetch(element.dataset.readings)
        if (response.ok) draw(element, await response.text())
      } catch {
        // It is drawn with the next change.
      }
    }
  }

  document.addEventListener('caretaker:shown', () => void show())
  addEventListener('resize', () => void show())
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    charts.clear()
    void show()
  })
  void show()
})()
