import { jobThat, openQueue, openStore, work } from './lab.ts'

// An agent in small, to be killed while its job runs. It adds the job only where it is told to.
const [directory = '', adds] = process.argv.slice(2)
const store = await openStore(directory)
const queue = openQueue(store.address)
const job = jobThat('endless', () => {
  process.stdout.write(`running beside ${store.pid}\n`)
  return new Promise(() => {})
})
await work(store.address, queue, job)
if (adds) await queue.add(job)
