import process from 'node:process'
import { InvalidArgumentError, Option } from 'commander'
import { addAlertsCommand } from './cli/alerts-command.ts'
import { addBackupCommands } from './cli/backup-commands.ts'
import { addCompletionCommands } from './cli/completion-commands.ts'
import { addConfigCommands } from './cli/config-command.ts'
import { addDoctorCommand } from './cli/doctor-command.ts'
import { addInitCommand } from './cli/init-command.ts'
import { addJournalCommand } from './cli/journal-command.ts'
import { addMachineCommands } from './cli/machine-commands.ts'
import { addNetbootCommands } from './cli/netboot-commands.ts'
import { addNotifyCommands } from './cli/notify-commands.ts'
import { addPowerCommands } from './cli/power-commands.ts'
import { addRolloutCommands } from './cli/rollout-commands.ts'
import { addSchematicCommands } from './cli/schematic-commands.ts'
import { addStatusCommand } from './cli/status-command.ts'
import { addTokenCommands } from './cli/token-commands.ts'
import { codeOfPlan, codeOfRun } from './cli/outcome.ts'
import { endWithPipe, fail } from './cli/failure.ts'
import { verifyStaged } from './cli/verify-command.ts'
import { addUpsCommand } from './cli/ups-command.ts'
import { output } from './cli/output.ts'
import { notRemote } from './cli/server.ts'
import { progressOf, whileItRuns } from './cli/waiting.ts'
import { ask, askOr, command, duration, exit, group, print, program, say, shownOf } from './cli/shell.ts'

/** Loaded only to draw text: neither the daemon nor `--json` needs it. */
const rendering = () => import('./cli/render.ts')

const describeRun = (job: string) =>
  `${job} goes on in the daemon: follow it with \`caretaker status\` and \`caretaker jobs\``

command('start', 'run the daemon until SIGINT or SIGTERM', async (options, _args, extra) => {
  if (options.server !== undefined) throw notRemote('a daemon runs')
  const [{ runDaemon }, { createLog }, { leaveSoon, limitFarewell }, { takeSupervisor }] = await Promise.all([
    import('./main.ts'),
    import('./main/logging.ts'),
    import('./main/farewell.ts'),
    import('./main/systemd.ts'),
  ])
  const [{ loadUsableSettings }, { refuseForeignState }, { finishInterrupted }] = await Promise.all([
    import('./main/settings.ts'),
    import('./main/foreign-state.ts'),
    import('./main/interrupted-restore.ts'),
  ])
  const load = () => loadUsableSettings(options.config, process.env)
  const found = await load()
  const finished = await finishInterrupted(found)
  const settings = finished.some(({ isChanged }) => isChanged) ? await load() : found
  const format = options.json || !process.stdout.isTTY ? 'json' : 'lines'
  const log = createLog({
    level: typeof extra['logLevel'] === 'string' ? extra['logLevel'] : 'info',
    format: extra['lines'] ? 'lines' : format,
    write: output.log,
  })
  await refuseForeignState(settings, log)
  // What it writes is for its own user; what others are to read, as images on the share, is opened one by one.
  process.umask(0o077)
  const stop = new AbortController()
  // Supervisors and wrappers may send SIGTERM twice; only a second Ctrl-C means: exit now.
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (name === 'SIGINT' && stop.signal.aborted) process.exit(130)
      if (!stop.signal.aborted) limitFarewell(log)
      stop.abort()
    })
  }
  // Reloads the configuration, as daemons do; ignored until the daemon runs.
  let hangup = () => {}
  process.on('SIGHUP', () => hangup())
  await runDaemon({
    settings,
    finished,
    log,
    signal: stop.signal,
    pollEvery: typeof extra['pollInterval'] === 'number' ? extra['pollInterval'] : undefined,
    onHangup: (reread) => void (hangup = reread),
    supervisor: takeSupervisor(process.env, { pid: process.pid, parent: process.channel && process.ppid }, log),
  })
  // Connections to a store that is down would retry forever and keep the process alive.
  leaveSoon()
  return exit.ok
})
  .addOption(
    new Option('--log-level <level>', 'how much to log')
      .choices(['trace', 'debug', 'info', 'warn', 'error'])
      .default('info'),
  )
  .option('--lines', 'log readable lines, as on a terminal, not JSON')
  .option('--poll-interval <duration>', 'how often a wait checks its condition', duration)

addStatusCommand()

command('jobs', 'the jobs, their triggers and last runs', async (options) => {
  const jobs = await ask(options, (daemon) => daemon.jobs.$get())
  await print(options, jobs, async () => (await rendering()).renderJobs(jobs, Date.now()))
  return exit.ok
})

command('run <job>', 'run a job now', async (options, [job], extra) => {
  const wait = extra['wait'] === true
  const answer = await whileItRuns(
    describeRun(job!),
    () =>
      ask(options, (daemon) =>
        daemon.jobs[':name'].run.$post({ param: { name: encodeURIComponent(job!) }, json: { wait } }),
      ),
    wait ? await progressOf(options, job!) : undefined,
  )
  await print(options, answer, `${answer.outcome}: ${answer.detail}`)
  return codeOfRun(answer)
}).option('--wait', 'wait for the run and exit with its outcome')

group('queue', 'jobs that wait, and those that failed')
command('queue failed', 'jobs that the queue has given up on, newest first', async (options) => {
  const failed = await ask(options, (daemon) => daemon.queue.failed.$get())
  await print(options, failed, async (zone) => (await rendering()).renderFailed(failed, await zone()))
  return exit.ok
})
command('queue clear', 'remove failed jobs from the queue and its count', (options) =>
  say(options, (daemon) => daemon.queue.clear.$post()),
)

command('plan', 'what the next upgrade-node run would do, and why', async (options) => {
  const plan = await askOr(
    options,
    (daemon) => daemon.plan.$get(),
    async (settings) => (await import('./cli/direct.ts')).planDirectly(settings, AbortSignal.timeout(15_000)),
  )
  await print(options, plan, async (zone) => (await rendering()).renderPlan(plan, await zone()))
  return codeOfPlan(plan)
})

command('releases', 'releases that the Image Factory offers, newest first', async (options, _args, extra) => {
  const releases = await askOr(
    options,
    (daemon) => daemon.releases.$get(),
    async (settings) => (await import('./cli/direct.ts')).readReleasesDirectly(settings, AbortSignal.timeout(30_000)),
  )
  const shown = extra['all'] ? releases : releases.filter(({ isPrerelease }) => !isPrerelease).slice(0, 20)
  const usable = shown.filter(({ isWithdrawn }) => !isWithdrawn).map(({ version }) => version)
  await print(options, usable, async () => (await rendering()).renderReleases(shown))
  return exit.ok
}).option('--all', 'include pre-releases and old releases')

command(
  'stage [version]',
  'stage the images of a release on the share (default: of the target release)',
  async (options, [version], extra) => {
    const wait = extra['wait'] !== false
    const back = extra['rollback']
    if (back !== undefined && version !== undefined)
      throw new InvalidArgumentError('--rollback goes back to what was served before, and takes no release')
    const sha256 = extra['accept']
    if (typeof sha256 === 'string') {
      const accepted = await ask(options, (daemon) => daemon.staged.accept.$post({ json: { sha256 } }))
      if (!options.json) await print(options, accepted, accepted.said)
    }
    const answer = await whileItRuns(
      describeRun('stage-image'),
      () =>
        ask(options, (daemon) =>
          back === undefined
            ? daemon.stage.$post({ json: { ...(version === undefined ? {} : { version }), wait } })
            : daemon.stage.rollback.$post({ json: { ...(typeof back === 'string' ? { image: back } : {}), wait } }),
        ),
      wait ? await progressOf(options, 'stage-image') : undefined,
    )
    await print(options, answer, `${answer.outcome}: ${answer.detail}`)
    return codeOfRun(answer)
  },
)
  .option('--rollback [image]', 'let machines boot what they booted before, until another release is to be published')
  .option('--accept <sha256>', 'first accept an image that was set aside because its URL had served other bytes before')
  .option('--no-wait', 'return immediately')

addRolloutCommands()

command('staged', 'staged images on the share', async (options, _args, extra) => {
  if (extra['verify'] === true) return verifyStaged(options)
  const staged = await askOr(
    options,
    (daemon) => daemon.staged.$get(),
    async ({ config, path }) => {
      const { createShare } = await import('./adapters/share/share.ts')
      return createShare({ directory: path(config.share.directory) }).staged()
    },
  )
  await print(options, staged, async (zone) => (await rendering()).renderStaged(staged, await zone()))
  return exit.ok
}).option('--verify', 'hash everything once more, and read it back from the boot server (share.server)')

addSchematicCommands()

group('uki', 'Unified Kernel Images')
command('uki inspect <file>', 'print what an image contains', async (options, [file]) => {
  const { inspectUkiFile } = await import('./adapters/share/uki-file.ts')
  const uki = shownOf(options, await inspectUkiFile(file!))
  await print(options, uki, async () => (await import('./cli/render-uki.ts')).renderUki(uki, file!))
  return exit.ok
})

addInitCommand()
addDoctorCommand()
addUpsCommand()
addPowerCommands()
addNotifyCommands()
addNetbootCommands()
addMachineCommands()
addTokenCommands()

addCompletionCommands()

addAlertsCommand()
addBackupCommands()

addJournalCommand()

addConfigCommands()

endWithPipe()
if (process.argv.length <= 2) program.outputHelp()
else
  await program.parseAsync().catch((error: unknown) => {
    process.exitCode = fail(error)
  })
