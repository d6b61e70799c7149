import { Socket } from 'node:net'
import { parentPort } from 'node:worker_threads'
import { policyDescriptor, PolicyReader, transferablesOfPolicy } from './policy-pipe.js'

// the body of the thread that takes policies over from the primary, so that requests do not wait for it
const reader = new PolicyReader((loaded) => {
  parentPort?.postMessage(loaded, [...transferablesOfPolicy(loaded)])
})
const pipe = new Socket({ fd: policyDescriptor, readable: true, writable: false })
pipe.on('data', (chunk) => {
  reader.take(chunk)
})
// the primary is gone: the worker ends by itself
pipe.on('error', () => undefined)
