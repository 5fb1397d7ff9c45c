import process from 'node:process'
import type { DoctorReport } from '../core/doctor/check.ts'
import { countVerdicts } from '../core/doctor/check.ts'
import { AgentError } from '../core/errors.ts'
import { printable } from '../core/printable.ts'
import type { DoctorProgress } from '../core/doctor/requests.ts'
import { ask, askOr, command, exit, type Options, print } from './shell.ts'
import { output } from './output.ts'

const rendering = () => import('./render-doctor.ts')

/** In ms: how often the daemon is asked how far it is. */
const asksEvery = 400
/** In ms: nothing that is looked at takes longer, and all are looked at side by side. */
const endsWithin = 180_000

/** The command that looks at everything before it is needed. */
export function addDoctorCommand(): void {
  command(
    'doctor',
    'look at everything as it will be used, and say what would not work',
    async (options, _args, extra) => {
      const { only, fix, send, strict, all, last } = extra as {
        readonly last?: boolean
        readonly only?: readonly string[]
        readonly fix?: boolean
        readonly send?: boolean
        readonly strict?: boolean
        readonly all?: boolean
      }
      const progress = createProgressLine(options)
      const body = { ...(only === undefined ? {} : { only: [...only] }), ...(send ? { send } : {}) }
      const report =
        last === true
          ? await readLast(options)
          : await examine(options, { body, fix: fix === true, only, progress }).finally(progress[Symbol.dispose])
      await print(options, report, async () => (await rendering()).renderReport(report, { all: all === true }))
      const { failed, warning } = countVerdicts(report.checks)
      return failed > 0 || (strict === true && warning > 0) ? exit.failed : exit.ok
    },
  )
    .option('--only <checks...>', 'only these: ids (node.role:cp-1), their first words (node), machines (cp-1)')
    .option('--all', 'show what is well or was skipped too, check by check')
    .option('--fix', 'first mend what is safe to mend: modes of files, folders')
    .option('--send', 'send a test message by each channel too')
    .option('--last', 'show the last report, also of the weekly job, without looking')
    .option('--strict', 'warnings count as failures')
    .addHelpText('after', '\nExit code: 0 nothing failed, 1 something did (with --strict: or is a warning).')
}

/** @throws AgentError `not-found` where nothing was looked at yet */
async function readLast(options: Options): Promise<DoctorReport> {
  const { last } = await ask(options, (daemon) => daemon.doctor.$get())
  if (last) return last
  throw new AgentError('not-found', 'there is no report yet: run `caretaker doctor`')
}

interface Request {
  readonly body: { readonly only?: string[]; readonly send?: boolean }
  readonly fix: boolean
  readonly only: readonly string[] | undefined
  readonly progress: ProgressLine
}

/** By the daemon, whose user and machine count; where none runs, by this process. */
function examine(options: Options, { body, fix, only, progress }: Request): Promise<DoctorReport> {
  return askOr<DoctorReport>(
    options,
    (daemon) => {
      if (progress.isShown) progress.follow(async () => (await (await daemon.doctor.$get()).json()).underWay)
      return fix ? daemon.doctor.fix.$post({ json: body }) : daemon.doctor.$post({ json: body })
    },
    async (settings) => {
      const { examineDirectly } = await import('./direct-doctor.ts')
      if (!options.json) output.note('caretaker: no daemon runs: this is what this user sees, from here')
      return examineDirectly(settings, { only, fix, onProgress: progress.show }, AbortSignal.timeout(endsWithin))
    },
  )
}

interface ProgressLine extends Disposable {
  readonly isShown: boolean
  show(progress: DoctorProgress): void
  /** Asks again and again how far it is, until it is disposed of. */
  follow(ask: () => Promise<DoctorProgress | undefined>): void
}

/** How far it is, in one line on a terminal that is wiped at the end; elsewhere nothing. */
function createProgressLine({ json }: Options): ProgressLine {
  const isShown = !json && process.stderr.isTTY && process.env['TERM'] !== 'dumb'
  let timer: NodeJS.Timeout | undefined
  let isDrawn = false
  const wipe = '\r\u001b[K'
  function show({ done, total, underWay }: DoctorProgress): void {
    if (!isShown) return
    const waits = underWay.length === 0 ? '' : `, looking at ${underWay.map(printable).join(' ')}`
    const line = `${done} of ${total}${waits}`
    const width = process.stderr.columns || 80
    output.progress(`${wipe}${line.length < width ? line : `${line.slice(0, width - 2)}…`}`)
    isDrawn = true
  }
  return {
    isShown,
    show,
    follow: (ask) => {
      timer = setInterval(() => {
        ask().then(
          (progress) => progress && show(progress),
          () => {},
        )
      }, asksEvery)
    },
    [Symbol.dispose]: () => {
      clearInterval(timer)
      if (isDrawn) output.progress(wipe)
      isDrawn = false
    },
  }
}
