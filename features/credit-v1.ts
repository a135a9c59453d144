/** The compiled credit feature set, version 1: what live scoring and training share. */
import { compile } from './compile/compile.ts'
import { creditV1Capacities, creditV1Definitions } from './definitions/credit-v1.ts'

export const creditFeatureSet = compile({ definitions: creditV1Definitions, capacities: creditV1Capacities })
