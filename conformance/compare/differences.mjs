// Where an answer may be another than that of Feathers: docs/compatibility.md explains it.

const isObject = (value) => value !== null && typeof value === 'object'
const refused = (answer) => answer.error?.code === 400
const query = (question) => Object(question.at(-1))
const compares = (operators) =>
  isObject(operators) && Object.keys(operators).some((name) => /^\$[gl]te?$/.test(name) && isObject(operators[name]))

export const DIFFERENCES = [
  {
    why: 'an error that is none of Feathers is told without its stack, if it is one at all here',
    when: (question, theirs, ours) => 'stack' in Object(theirs.error) && !('stack' in Object(ours.error))
  },
  {
    why: '$select must be a list',
    when: (question, theirs, ours) => '$select' in query(question) && refused(ours)
  },
  {
    why: 'the members of $or and $and must be objects',
    when: (question, theirs, ours) =>
      ['$or', '$and'].some((name) => query(question)[name]?.some?.((member) => !isObject(member) || Array.isArray(member))) &&
      refused(ours)
  },
  {
    why: 'lists and objects are neither less nor more than others',
    when: (question) => Object.values(query(question)).some(compares)
  },
  {
    why: 'a negative $skip counts as 0',
    when: (question, theirs, ours) => query(question).$skip < 0 && ours.answer.includes('"skip":0')
  },
  {
    why: 'a path with one segment more is no service',
    when: (question, theirs, ours) => question[1] === 'messages/1' && ours.error?.code === 404
  },
  {
    why: 'publishing to a channel that nobody has joined does not make it exist',
    when: (question, theirs) => question[0] === 'find' && question[1] === 'rooms' && theirs.answer.includes('rooms/')
  },
  {
    why: 'the query of a login does not select the user',
    when: (question) => question[1] === 'authentication' && ['name', '$select'].some((name) => name in query(question))
  }
]
