/** Rows of `decisions`. */
import { decisionId, type Decision } from '#schemas/decision.ts'
import { FixedStringColumn, NumberColumn, StringColumn } from './native-column.ts'
import { ArrayColumn, LowCardinalityColumn } from './native-nested.ts'
import type { TableRows } from './table-rows.ts'

const INSTANT = "DateTime64(3, 'UTC')"

const STAGES = [
  ['queue_us', 'queueUs'],
  ['decode_us', 'decodeUs'],
  ['state_us', 'stateUs'],
  ['fold_us', 'foldUs'],
  ['score_us', 'scoreUs'],
  ['explain_us', 'explainUs'],
  ['policy_us', 'policyUs'],
  ['commit_us', 'commitUs'],
  ['publish_us', 'publishUs'],
] as const

const columnsOf = () => ({
  decision_id: new StringColumn(),
  application_id: new StringColumn(),
  applicant_id: new StringColumn(),
  event_id: new StringColumn(),
  event_time: new NumberColumn(INSTANT),
  decided_at: new NumberColumn(INSTANT),
  product: new LowCardinalityColumn(),
  amount: new NumberColumn('Int64'),
  currency: new LowCardinalityColumn(),
  decision: new LowCardinalityColumn(),
  probability: new NumberColumn('Float64'),
  score: new NumberColumn('Float64'),
  margin: new NumberColumn('Float64'),
  base: new NumberColumn('Float64'),
  residual: new NumberColumn('Float64'),
  'member_margins.member': new ArrayColumn(new LowCardinalityColumn()),
  'member_margins.margin': new ArrayColumn(new NumberColumn('Float64')),
  'reasons.code': new ArrayColumn(new LowCardinalityColumn()),
  'reasons.contribution': new ArrayColumn(new NumberColumn('Float64')),
  'reasons.group': new ArrayColumn(new LowCardinalityColumn()),
  'reasons.text': new ArrayColumn(new LowCardinalityColumn()),
  features: new ArrayColumn(new NumberColumn('Float32')),
  attributions: new ArrayColumn(new NumberColumn('Float32')),
  model_version: new LowCardinalityColumn(),
  bundle_hash: new LowCardinalityColumn(),
  feature_set_hash: new LowCardinalityColumn(),
  policy_version: new LowCardinalityColumn(),
  cut_off: new NumberColumn('Float64'),
  rule_hit: new LowCardinalityColumn({ nullable: true }),
  degraded: new LowCardinalityColumn({ nullable: true }),
  in_training: new NumberColumn('Bool'),
  queue_us: new NumberColumn('UInt32'),
  decode_us: new NumberColumn('UInt32'),
  state_us: new NumberColumn('UInt32'),
  fold_us: new NumberColumn('UInt32'),
  score_us: new NumberColumn('UInt32'),
  explain_us: new NumberColumn('UInt32'),
  policy_us: new NumberColumn('UInt32'),
  commit_us: new NumberColumn('UInt32'),
  publish_us: new NumberColumn('UInt32'),
  host: new LowCardinalityColumn(),
  runtime: new LowCardinalityColumn(),
  input_hash: new FixedStringColumn(64),
  previous_hash: new FixedStringColumn(64),
  capsule_hash: new FixedStringColumn(64),
  partition: new NumberColumn('UInt32'),
  offset: new NumberColumn('UInt64'),
  epoch: new NumberColumn('UInt64'),
  log_offset: new NumberColumn('UInt64'),
})

type Columns = ReturnType<typeof columnsOf>

export class DecisionRows implements TableRows {
  readonly table = 'decisions'
  readonly columns: Columns = columnsOf()

  /** `logOffset`: where the record stands in the decisions log. */
  add(decision: Decision, logOffset: number): void {
    const { columns } = this
    identify(columns, decision, logOffset)
    judge(columns, decision)
    explain(columns, decision)
    describeRun(columns, decision)
  }
}

const identify = (columns: Columns, { body, envelope, epoch }: Decision, logOffset: number): void => {
  columns.decision_id.push(decisionId(body.partition, body.offset))
  columns.application_id.push(body.applicationId)
  columns.applicant_id.push(body.applicantId)
  columns.event_id.push(body.eventId)
  columns.event_time.push(body.eventTime)
  columns.decided_at.push(envelope.decidedAt)
  columns.product.push(body.product)
  columns.amount.push(body.amount)
  columns.currency.push(body.currency)
  columns.partition.push(body.partition)
  columns.offset.push(body.offset)
  columns.epoch.push(epoch)
  columns.log_offset.push(logOffset)
}

const judge = (columns: Columns, { body }: Decision): void => {
  columns.decision.push(body.decision)
  columns.probability.push(body.probability)
  columns.score.push(body.score)
  columns.margin.push(body.margin)
  columns.base.push(body.base)
  columns.residual.push(body.residual)
  columns.model_version.push(body.modelVersion)
  columns.bundle_hash.push(body.bundleHash)
  columns.feature_set_hash.push(body.featureSetHash)
  columns.policy_version.push(body.policyVersion)
  columns.cut_off.push(body.cutOff)
  columns.rule_hit.push(body.ruleHit)
  columns.degraded.push(body.degraded)
  columns.in_training.push(body.inTraining ? 1 : 0)
}

const explain = (columns: Columns, { body }: Decision): void => {
  for (const { member, margin } of body.memberMargins) {
    columns['member_margins.member'].items.push(member)
    columns['member_margins.margin'].items.push(margin)
  }
  columns['member_margins.member'].end()
  columns['member_margins.margin'].end()
  for (const { code, contribution, group, text } of body.reasons) {
    columns['reasons.code'].items.push(code)
    columns['reasons.contribution'].items.push(contribution)
    columns['reasons.group'].items.push(group)
    columns['reasons.text'].items.push(text)
  }
  columns['reasons.code'].end()
  columns['reasons.contribution'].end()
  columns['reasons.group'].end()
  columns['reasons.text'].end()
  columns.features.items.pushAll(body.vector)
  columns.features.end()
  columns.attributions.items.pushAll(body.attributions)
  columns.attributions.end()
}

const describeRun = (columns: Columns, { body, envelope, previousHash, capsuleHash }: Decision): void => {
  for (const [column, stage] of STAGES) columns[column].push(envelope.stages[stage])
  columns.host.push(envelope.host)
  columns.runtime.push(envelope.runtime)
  columns.input_hash.push(body.inputHash)
  columns.previous_hash.push(previousHash)
  columns.capsule_hash.push(capsuleHash)
}
