import { parentPort, workerData } from 'node:worker_threads'
import { fetchCrl, type CrlFetchOrder } from './crl-fetch.js'

// the body of the thread that fetches and checks a CRL: 100,000 entries are no work for the event loop
const order = workerData as CrlFetchOrder // `fetchCrlInWorker` starts this thread with it
parentPort?.postMessage(await fetchCrl(order))
