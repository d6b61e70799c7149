#!/usr/bin/env node
import { cli } from './cli.js'

// a reader that has seen enough (`| head`) is no error; a full disk behind `>` is one, and no bug
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit()
  process.stderr.write(`ror-gateway: the answer could not be written: ${error.message}\n`)
  process.exit(1)
})

process.exitCode = await cli(process.argv.slice(2), { stdout: process.stdout, stderr: process.stderr })
