import { printMicro, runMicro } from './all.js'

printMicro(await runMicro())
