import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import process from 'node:process'
import { parseConfig } from '../../config/config.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import { readText } from '../../main/file-gate.ts'
import { findConfigFile } from '../../main/config-place.ts'
import { finishInit } from '../../main/interrupted-restore.ts'
import { findServiceUser } from '../../main/service-user.ts'
import { demandWritable } from '../../main/writable.ts'
import { loadRegistry, sectionsOf } from '../../main/registry.ts'
import { checkWhole } from '../config-command.ts'
import { output } from '../output.ts'
import { notRemote } from '../server.ts'
import { exit, type Options, print } from '../shell.ts'
import { canDraw } from '../table.ts'
import { answerNames, type Given, parseAnswers } from './answers.ts'
import { planFiles, type PlannedFile } from './files.ts'
import { interview } from './interview.ts'
import { type Known, readKnown } from './known.ts'
import { createPrompter, Left, type Prompter } from './prompter.ts'
import { renderEnd, renderFiles, renderFound, reportOf } from './report.ts'
import { adviceOnFolder, findInstallation, howToStart } from './surroundings.ts'
import { writeFiles } from './write-files.ts'

type Extra = Readonly<Record<string, unknown>>

/** Draws up a configuration, shows it, and writes it. Ctrl-C ends it at any moment with nothing half-written. */
export async function runInit(options: Options, extra: Extra): Promise<number> {
  if (options.server !== undefined) throw notRemote('a configuration is drawn up')
  const stop = new AbortController()
  const leave = () => stop.abort(new Left())
  const release = () => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, leave)
  }
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, leave)
  try {
    return await init(options, extra, { signal: stop.signal, release })
  } catch (error) {
    if (!(error instanceof Left) && !stop.signal.aborted) throw error
    output.note('caretaker: nothing was written')
    return exit.failed
  } finally {
    release()
  }
}

interface Life {
  readonly signal: AbortSignal
  /** From now on a signal ends the process as any other: everything is written. */
  release(): void
}

async function init(options: Options, extra: Extra, { signal, release }: Life): Promise<number> {
  const said = await readGiven(extra)
  const isAsked = mayAsk(extra) && said.isFromPerson
  const prompter = isAsked ? await createPrompter(signal) : undefined
  const file = await chooseFile(options.config, prompter)
  const installation = findInstallation(file)
  if (extra['diff'] !== true) await demandWritable(dirname(file), adviceOnFolder(installation))
  const finished = extra['diff'] === true ? undefined : await finishInit(file)
  if (finished) output.note(finished.told)
  const known = await readOlder(file)
  const given = { ...known?.given, ...said.given }
  const say = (text: string) => output.note(text)
  const found = await interview({
    given,
    known: new Set((Object.keys(known?.given ?? {}) as (keyof Given)[]).filter((key) => !(key in said.given))),
    prompter,
    directory: dirname(file),
    environment: process.env,
    signal,
    say,
  })
  const planned = await planFiles(file, found, {
    before: known?.text,
    said: {
      upgrades: said.given.upgrades !== undefined,
      timeZone: said.given.timeZone !== undefined,
      state: said.given.state !== undefined,
    },
  })
  await refuseFaulty(file, planned)
  const isWanted = await mayWrite(planned, { extra, prompter, file, shown: () => renderFound(found), options })
  if (isWanted !== undefined) {
    const report = reportOf(found, planned, { file, isWritten: false, check: undefined })
    if (isWanted.isShown) await print(options, report, `${renderFound(found)}\n\n${renderFiles(planned)}`)
    return isWanted.code
  }
  await writeFiles(planned, signal, await findServiceUser(resolve(dirname(file), found.choices.state)))
  release()
  const isChecked = extra['check'] !== false
  if (isChecked) say('checks everything that the configuration names')
  const check = isChecked ? await checkWhole(file) : undefined
  const report = reportOf(found, planned, { file, isWritten: true, check })
  const end = renderEnd(file, check, howToStart(file, installation))
  const whole = [renderFound(found), renderFiles(planned), end]
  await print(options, report, prompter ? end : whole.join('\n\n'))
  return check !== undefined && check.faults.length > 0 ? exit.failed : exit.ok
}

/** A person is asked at a terminal that can draw, unless they said that they need not be. */
function mayAsk(extra: Extra): boolean {
  const isTerminal = process.stdin.isTTY && process.stderr.isTTY && canDraw(process.env)
  return isTerminal && extra['yes'] !== true
}

interface Said {
  readonly given: Given
  /** Answers of a file are all there is. */
  readonly isFromPerson: boolean
}

/** Options, and answers by a file or a pipe; an option counts for more. @throws AgentError `misconfigured` */
async function readGiven(extra: Extra): Promise<Said> {
  const named = Object.fromEntries(
    answerNames.flatMap((name) => (extra[name] === undefined ? [] : [[name, extra[name]] as const])),
  ) as Given
  const { answers } = extra as { readonly answers?: string }
  const isPiped = !process.stdin.isTTY && Object.keys(named).length === 0 && extra['yes'] !== true
  if (answers === undefined && !isPiped) return { given: named, isFromPerson: true }
  const isStdin = answers === undefined || answers === '-'
  const text = isStdin ? await readStdin() : await readText(resolve(answers))
  if (text.trim() === '' && answers === undefined)
    throw new AgentError(
      'misconfigured',
      'nobody can be asked here: name what is there (--talosconfig FILE --ups ADDRESS --share DIR), or give answers on stdin; see caretaker init --help',
    )
  return { given: { ...parseAnswers(text, isStdin ? 'the answers' : answers), ...named }, isFromPerson: false }
}

async function readStdin(): Promise<string> {
  let text = ''
  process.stdin.setEncoding('utf8')
  for await (const part of process.stdin) {
    text += String(part)
    if (text.length > 1_048_576) throw new AgentError('misconfigured', 'the answers are longer than 1 MiB')
  }
  return text
}

/** The file that is named or there already; else where a service, or a person, keeps it. An absolute path. */
async function chooseFile(named: string | undefined, prompter: Prompter | undefined): Promise<string> {
  const found = findConfigFile(named, process.env)
  if (found !== undefined) return resolve(found)
  const usual = process.geteuid?.() === 0 ? '/etc/caretaker/caretaker.yaml' : 'config/caretaker.yaml'
  if (!prompter) return resolve(usual)
  const answer = await prompter.text({
    message: 'Where to write the configuration',
    initial: usual,
    check: (text) => (/\.ya?ml$/.test(text) ? undefined : 'name a file that ends in .yaml'),
  })
  return resolve(answer)
}

async function readOlder(file: string): Promise<Known | undefined> {
  return existsSync(file) ? readKnown(await readText(file), file) : undefined
}

/** What does not fit the schema is never written. @throws AgentError `misconfigured` */
async function refuseFaulty(file: string, planned: readonly PlannedFile[]): Promise<void> {
  const text = planned.at(-1)!.text
  try {
    parseConfig(text, file, sectionsOf(await loadRegistry()))
  } catch (error) {
    throw new AgentError(
      'misconfigured',
      `nothing was written: with what was found ${file} would not be a configuration. Mend it first:\n${messageOf(error)}`,
      error,
    )
  }
}

interface Question {
  readonly extra: Extra
  readonly options: Options
  readonly prompter: Prompter | undefined
  readonly file: string
  readonly shown: () => string
}

/** Undefined where it may be written; else the exit code, and whether what would be written is still to be shown. */
async function mayWrite(
  planned: readonly PlannedFile[],
  { extra, prompter, file, shown, options }: Question,
): Promise<{ readonly code: number; readonly isShown: boolean } | undefined> {
  if (extra['diff'] === true) return { code: exit.ok, isShown: true }
  const replaced = planned.filter(({ before, text }) => before !== undefined && before !== text)
  if (extra['force'] === true) return undefined
  if (prompter) {
    output.note('')
    if (!options.json) output.drawing(`${shown()}\n\n${renderFiles(planned)}\n`)
    if (planned.every(({ before, text }) => before === text)) return undefined
    const question = replaced.length === 0 ? 'Write it?' : `Change ${replaced.map(({ path }) => path).join(', ')}?`
    if (await prompter.confirm(question, true)) return undefined
    throw new Left()
  }
  if (replaced.length === 0) return undefined
  output.note(`caretaker: ${file} is there already: nothing was written; add --force to change it as shown, or --diff`)
  return { code: exit.usage, isShown: true }
}
