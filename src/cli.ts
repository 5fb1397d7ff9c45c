import process from 'node:process'
import { CommanderError, Option } from 'commander'
import { addPowerCommands } from './cli/power-commands.ts'
import { addRolloutCommands } from './cli/rollout-commands.ts'
import { addUpsCommand } from './cli/ups-command.ts'
import { ask, askOr, command, exit, group, positive, print, program } from './cli/shell.ts'
import { AgentError, type ErrorCode, messageOf } from './core/errors.ts'
import type { RunAnswer } from './core/operator.ts'

/** Loaded when something is to be drawn: neither the daemon nor `--json` needs it. */
const rendering = () => import('./cli/render.ts')

function outcomeCode({ outcome }: RunAnswer): number {
  if (outcome === 'failed' || outcome === 'stuck') return exit.failed
  return outcome === 'later' || outcome === 'stopped' ? exit.waiting : exit.ok
}

command('start', 'run the daemon, until SIGINT or SIGTERM', async (options, _args, extra) => {
  const [{ runDaemon }, { createLog }] = await Promise.all([import('./main.ts'), import('./main/logging.ts')])
  const settings = await (await import('./main/settings.ts')).loadUsableSettings(options.config, process.env)
  const format = options.json || !process.stdout.isTTY ? 'json' : 'lines'
  const log = createLog({
    level: typeof extra['logLevel'] === 'string' ? extra['logLevel'] : 'info',
    format: extra['lines'] ? 'lines' : format,
    write: (text) => void process.stdout.write(text),
  })
  const stop = new AbortController()
  // Sent more than once by supervisors and wrappers; only a second Ctrl-C means that a person has lost patience.
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (name === 'SIGINT' && stop.signal.aborted) process.exit(130)
      stop.abort()
    })
  }
  // As daemons do: read the configuration again. Before there is anything to read it for, it does nothing.
  let hangup = () => {}
  process.on('SIGHUP', () => hangup())
  await runDaemon({
    settings,
    log,
    signal: stop.signal,
    pollEvery: extra['pollEvery'] === undefined ? undefined : Number(extra['pollEvery']),
    onHangup: (reread) => void (hangup = reread),
  })
  // Connections to a store that is away would try for ever: everything of ours has ended, so the process may.
  setTimeout(() => process.exit(), 500).unref()
  return exit.ok
})
  .addOption(
    new Option('--log-level <level>', 'how much is logged')
      .choices(['trace', 'debug', 'info', 'warn', 'error'])
      .default('info'),
  )
  .option('--lines', 'log lines for people, as on a terminal')
  .option('--poll-every <ms>', 'between two looks of a wait', positive)

command('status', 'what the homelab and the agent are at', async (options) => {
  const status = await ask(options, (daemon) => daemon.status.$get())
  await print(options, status, async () => (await rendering()).renderStatus(status, Date.now()))
  return exit.ok
})

command('jobs', 'the jobs, what starts them and how they last ended', async (options) => {
  const jobs = await ask(options, (daemon) => daemon.jobs.$get())
  await print(options, jobs, async () => (await rendering()).renderJobs(jobs, Date.now()))
  return exit.ok
})

command('run <job>', 'run a job now', async (options, [job], extra) => {
  const answer = await ask(options, (daemon) =>
    daemon.jobs[':name'].run.$post({
      param: { name: encodeURIComponent(job!) },
      json: { wait: extra['wait'] === true },
    }),
  )
  await print(options, answer, `${answer.outcome}: ${answer.detail}`)
  return outcomeCode(answer)
}).option('--wait', 'wait until it has run, and end with its outcome')

command('plan', 'what the next run of upgrade-node would do, and why', async (options) => {
  const plan = await askOr(
    options,
    (daemon) => daemon.plan.$get(),
    async (settings) => (await import('./cli/direct.ts')).planDirectly(settings, AbortSignal.timeout(15_000)),
  )
  await print(options, plan, async () => (await rendering()).renderPlan(plan))
  const settled = plan.release.kind === 'wait' ? exit.waiting : exit.ok
  return { wait: exit.waiting, stuck: exit.failed, go: exit.ok, upgraded: settled }[plan.decision.kind]
})

command('releases', 'what the Image Factory offers', async (options, _args, extra) => {
  const settings = await (await import('./main/settings.ts')).loadSettings(options.config, process.env)
  const versions = await (await import('./cli/direct.ts')).readReleases(settings, AbortSignal.timeout(30_000))
  const shown = extra['all'] ? versions : versions.filter((version) => !version.includes('-')).slice(-20)
  await print(options, shown, shown.toReversed().join('\n'))
  return exit.ok
}).option('--all', 'pre-releases and old ones too')

command(
  'stage [version]',
  'bring an image onto the share; without a version the one to go to',
  async (options, [version], extra) => {
    const order = { ...(version === undefined ? {} : { version }), wait: extra['wait'] !== false }
    const answer = await ask(options, (daemon) => daemon.stage.$post({ json: order }))
    await print(options, answer, `${answer.outcome}: ${answer.detail}`)
    return outcomeCode(answer)
  },
).option('--no-wait', 'return at once')

addRolloutCommands()

command('staged', 'what is on the share', async (options) => {
  const staged = await askOr(
    options,
    (daemon) => daemon.staged.$get(),
    async ({ config, path }) => {
      const { createShare } = await import('./adapters/share/share.ts')
      return createShare({ ...config.share, directory: path(config.share.directory) }).staged()
    },
  )
  await print(options, staged, async () => (await rendering()).renderStaged(staged))
  return exit.ok
})

group('schematic', 'schematics of the Image Factory')
command('schematic id <file>', 'the id that the Factory gives a schematic', async (options, [file]) => {
  const { readText, toSchematic } = await import('./main/settings.ts')
  const { id } = toSchematic(await readText(file!), file!)
  await print(options, { id }, id)
  return exit.ok
})

group('uki', 'Unified Kernel Images')
command('uki inspect <file>', 'what an image says of itself', async (options, [file]) => {
  const { readUkiFile } = await import('./adapters/share/file-source.ts')
  const uki = await readUkiFile(file!)
  await print(options, uki, async () => (await rendering()).renderUki(uki, file!))
  return exit.ok
})

addUpsCommand()
addPowerCommands()

command('alerts', 'what a person should know, the most severe first', async (options, _args, extra) => {
  const all = extra['all'] === true
  const alerts = await askOr(
    options,
    (daemon) => daemon.alerts.$get({ query: { all: String(all) } }),
    async (settings) => (await import('./cli/direct.ts')).readAlerts(settings, all),
  )
  await print(options, alerts, async () => {
    const { renderAlerts } = await import('./cli/render-alerts.ts')
    return renderAlerts(alerts, Date.now())
  })
  return exit.ok
}).option('--all', 'those too that are settled, the newest first')

command('journal', 'what happened, newest last', async (options, _args, extra) => {
  const limit = Number(extra['limit'])
  const entries = await askOr(
    options,
    (daemon) => daemon.journal.$get({ query: { limit } }),
    async (settings) => (await import('./cli/direct.ts')).readEntries(settings, limit),
  )
  await print(options, entries, async () =>
    entries.length === 0 ? 'nothing happened yet' : (await rendering()).renderJournal(entries),
  )
  return exit.ok
}).option('-n, --limit <count>', 'how many entries', positive, '50')

group('config', 'the configuration')
command('config check', 'check the configuration and the files that it names', async (options, _args, extra) => {
  const settings = await (await import('./main/settings.ts')).loadSettings(options.config, process.env)
  const { checkSettings, livesOf } = await import('./cli/direct.ts')
  const [offline, credentials] = [await checkSettings(settings), await livesOf(settings)]
  const asks = extra['online'] === true && offline.length === 0
  const faults = asks
    ? await (await import('./cli/online.ts')).checkOnline(settings, AbortSignal.timeout(30_000))
    : offline
  const answer = { file: settings.file, faults, credentials }
  await print(options, answer, faults.length === 0 ? `${settings.file} is good` : faults.join('\n'))
  // Beside the answer: what ends in a year is no fault.
  if (!options.json) for (const line of credentials) process.stderr.write(`${line}\n`)
  return faults.length === 0 ? exit.ok : exit.usage
}).option('--online', 'ask the nodes, Kubernetes, the UPSes and the Factory as well whether they are what it says')

// `| head` has seen enough: that is no fault of anybody.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? exit.ok)
  throw error
})

const exitOf: Readonly<Record<ErrorCode, number>> = {
  unreachable: exit.unreachable,
  'timed-out': exit.unreachable,
  'not-now': exit.waiting,
  misconfigured: exit.usage,
  'not-found': exit.usage,
  rejected: exit.failed,
  malformed: exit.failed,
  internal: exit.failed,
}

/** Every failure ends here, as one message and a code: no stack trace for what a person can mend. */
function fail(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exit.ok : exit.usage
  if (!(error instanceof AgentError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error)
    process.stderr.write(`caretaker: internal error; please report it with these lines: ${stack}\n`)
    return exit.failed
  }
  process.stderr.write(`caretaker: ${error.message}\n`)
  return exitOf[error.code]
}

if (process.argv.length <= 2) program.outputHelp()
else
  await program.parseAsync().catch((error: unknown) => {
    process.exitCode = fail(error)
  })
