import process from 'node:process'
import type { StatusAnswer } from '../core/operator.ts'
import { printable } from '../core/printable.ts'
import { followLive } from '../http/live-client.ts'
import { red } from './colours.ts'
import { createFrames } from './frames.ts'
import { createInterruption, type Interruption } from './interruption.ts'
import { output } from './output.ts'
import { renderStatus } from './render.ts'
import { exit, type Options, reachOf, shownOf, zoneOf } from './shell.ts'
import { canDraw, paragraphs } from './table.ts'

/** `q`, and Ctrl-C and Ctrl-D, which are letters where the terminal does not handle them itself. */
const endings = ['q', 'Q', '\u0003', '\u0004']
/** Between two drawings, in ms: durations are shown in seconds. */
const drawsEvery = 1_000

/**
 * Shows the status as it changes, until somebody ends it: as a picture on a terminal, else a text after each change, or one
 * a line as JSON. While the daemon is away the last status stays, with a word.
 */
export async function watchStatus(options: Options): Promise<number> {
  using stop = createInterruption()
  const zone = options.json ? 'UTC' : await zoneOf(options)
  const { stdout, env } = process
  const isDrawn = stdout.isTTY && !options.json && canDraw(env)
  let status: StatusAnswer | undefined
  let trouble: string | undefined
  const textOf = (one: StatusAnswer) => renderStatus(one, { now: Date.now(), zone })
  const reach = await reachOf(options)

  using picture = isDrawn
    ? createPicture(stop, () => [
        ...(trouble === undefined ? [] : [paragraphs([red(`${trouble}; trying again`)]), '']),
        status ? textOf(status) : 'waiting for the daemon',
      ])
    : undefined
  const lost = (why: string) => {
    trouble = printable(why)
    if (picture) picture.draw()
    else output.note(`caretaker: ${why}; trying again`)
  }
  for await (const { event, data } of followLive(reach, stop.signal, lost)) {
    if (event === 'state') status = shownOf(options, data.status)
    else if (event === 'status') status = shownOf(options, data)
    else if (event === 'power' && status) status = { ...status, power: shownOf<StatusAnswer['power']>(options, data) }
    else continue
    trouble = undefined
    if (picture) picture.draw()
    else if (options.json) output.json(status)
    else output.drawing(`${textOf(status)}\n`)
  }
  return exit.ok
}

/** Draws these parts each second, at each change of the terminal's size, and when it is told to. `q` ends it. */
function createPicture(stop: Interruption, parts: () => readonly string[]): Disposable & { draw(): void } {
  const stack = new DisposableStack()
  const frames = stack.use(createFrames({ isWhole: true }))
  const draw = () => {
    if (!stop.signal.aborted) frames.draw(parts().join('\n'))
  }
  const { stdin, stdout } = process
  if (stdin.isTTY) {
    const hear = (keys: Buffer) => {
      if (endings.some((key) => keys.includes(key))) stop.end()
    }
    stdin.setRawMode(true)
    stdin.on('data', hear)
    stack.defer(() => {
      stdin.off('data', hear)
      stdin.setRawMode(false)
      stdin.pause()
    })
  }
  stdout.on('resize', draw)
  stack.defer(() => void stdout.off('resize', draw))
  const drawing = setInterval(draw, drawsEvery)
  stack.defer(() => clearInterval(drawing))
  draw()
  return { draw, [Symbol.dispose]: () => stack.dispose() }
}
