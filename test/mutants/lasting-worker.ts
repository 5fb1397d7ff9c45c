import { setMaxListeners } from 'node:events'
import { parentPort } from 'node:worker_threads'
import { init, runBaseTests, setupEnvironment } from 'vitest/worker'

/** What vitest's thread holds of a module, as far as it is needed here. */
interface Modules {
  getModulesByFile(file: string): Iterable<ModuleNode> | undefined
  getModuleById(id: string): ModuleNode | undefined
  invalidateModule(node: ModuleNode): void
}
interface ModuleNode {
  readonly importers: ReadonlySet<string>
}

// The thread of `lastingPool`: between runs it forgets what was changed and whatever imports it, and keeps the rest.
const port = parentPort!
setMaxListeners(0, port)
let modules: Modules | undefined
init({
  post: (message) => port.postMessage(message),
  on: (callback) => void port.on('message', callback),
  off: (callback) => void port.off('message', callback),
  onModuleRunner: (runner) => void (modules = runner.evaluatedModules as unknown as Modules),
  setup: setupEnvironment,
  runTests: (state, traces) => {
    for (const file of state.ctx.invalidates ?? []) forget(file)
    return runBaseTests('run', state, traces)
  },
  collectTests: (state, traces) => runBaseTests('collect', state, traces),
})

function forget(file: string): void {
  const due = [...(modules?.getModulesByFile(file) ?? [])]
  const seen = new Set(due)
  for (const node of due) {
    for (const id of node.importers) {
      const importer = modules?.getModuleById(id)
      if (importer && !seen.has(importer)) {
        seen.add(importer)
        due.push(importer)
      }
    }
  }
  for (const node of due) modules?.invalidateModule(node)
}
