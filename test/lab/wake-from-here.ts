import { createWaker, type WakeOptions } from '../../src/adapters/machines/waker.ts'
import { messageOf } from '../../src/core/errors.ts'
import { soon } from '../patience.ts'

// Rehearses waking a machine and wakes it, and prints what came of both.
const options = JSON.parse(process.argv[2] ?? '{}') as WakeOptions
const waker = createWaker([options])
const rehearsed = await waker.rehearse(options.name, soon()).catch(messageOf)
const woken = await waker.wake(options.name, soon()).then(() => 'sent', messageOf)
console.log(JSON.stringify({ rehearsed, woken }))
