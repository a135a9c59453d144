/** A feature definition that makes no sense: a bug of whoever wrote it, so it stops the start-up and names the definition. */
export class DefinitionError extends TypeError {
  readonly code = 'feature-definition'
  readonly definition: string

  constructor(definition: string, problem: string, remedy: string) {
    super(`feature "${definition}": ${problem}; ${remedy}`)
    this.name = 'DefinitionError'
    this.definition = definition
  }
}
