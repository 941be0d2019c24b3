// fastify with @fastify/postgres and @fastify/jwt, answers described by a schema.
// https://fastify.dev/docs/latest/Guides/Database/ and https://github.com/fastify/fastify-jwt
import { randomUUID } from 'node:crypto'
import jwt from '@fastify/jwt'
import postgres from '@fastify/postgres'
import Fastify from 'fastify'

const text = { type: 'string' }
const optional = { type: ['string', 'null'] }
const texts = { type: 'array', items: text }
const task = {
  type: 'object',
  properties: {
    id: text, user_id: text, created_at: text, updated_at: text, version: { type: 'integer' }, title: text, notes: optional,
    priority: text, completed: { type: 'boolean' }, due_at: optional, estimate: optional, progress: { type: 'integer' }, slug: optional,
    labels: texts, links: texts, checklist: {}, reminder_time: optional, project_id: optional, parent_id: optional
  }
}
const create = {
  type: 'object',
  required: ['title'],
  additionalProperties: false,
  properties: { title: { type: 'string', minLength: 1, maxLength: 200 }, notes: optional, priority: { enum: ['low', 'normal', 'high'] } }
}
const query = { type: 'object', properties: { limit: { type: 'integer', minimum: 1, maximum: 100, default: 20 } } }

const app = Fastify()
app.register(jwt, { secret: process.env.JWT_SECRET })
app.register(postgres, { connectionString: process.env.DATABASE_URL, max: 10 })
app.addHook('onRequest', async (request) => { await request.jwtVerify() })

const columns = Object.keys(task.properties).join(', ')

app.get('/api/:user_id/tasks', { schema: { querystring: query, response: { 200: { type: 'array', items: task } } } }, async (request) => {
  const { rows } = await app.pg.query({
    name: 'list',
    text: `SELECT ${columns} FROM tasks WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2`,
    values: [request.user.sub, request.query.limit]
  })
  return rows
})

app.get('/api/:user_id/tasks/:id', { schema: { response: { 200: task } } }, async (request, reply) => {
  const { rows } = await app.pg.query({
    name: 'get', text: `SELECT ${columns} FROM tasks WHERE user_id = $1 AND id = $2`, values: [request.user.sub, request.params.id]
  })
  return rows[0] ?? reply.code(404).send({ detail: 'Task not found' })
})

app.post('/api/:user_id/tasks', { schema: { body: create, response: { 201: task } } }, async (request, reply) => {
  const { title, notes, priority } = request.body
  const { rows } = await app.pg.query({
    name: 'create',
    text: `INSERT INTO tasks (user_id, id, created_at, updated_at, version, title, notes, priority, completed, progress, labels, links)
      VALUES ($1, $2, now(), now(), 1, $3, $4, $5, false, 0, '{}', '{}') RETURNING ${columns}`,
    values: [request.user.sub, randomUUID(), title, notes ?? null, priority ?? 'normal']
  })
  return reply.code(201).send(rows[0])
})

app.patch('/api/:user_id/tasks/:id', { schema: { body: { ...create, required: [] }, response: { 200: task } } }, async (request, reply) => {
  const names = Object.keys(request.body)
  const { rows } = await app.pg.query({
    name: `update ${names}`,
    text: `UPDATE tasks SET ${names.map((name, number) => `${name} = $${number + 3}`).join(', ')}, updated_at = now(), version = version + 1
      WHERE user_id = $1 AND id = $2 RETURNING ${columns}`,
    values: [request.user.sub, request.params.id, ...names.map((name) => request.body[name])]
  })
  return rows[0] ?? reply.code(404).send({ detail: 'Task not found' })
})

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })
