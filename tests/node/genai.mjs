// Uses @google/genai as a program would, and prints what it saw as JSON.
//
// Usage: node genai.mjs SCENARIO OPTIONS, where OPTIONS is a JSON object with
// the scenario's arguments, and `client`, which the SDK's client is made with.

import { GoogleGenAI } from "@google/genai";

const MODEL = "gemini-2.5-flash";

const WEATHER = {
  name: "weather",
  description: "Tells the weather of a city.",
  parameters: {
    type: "OBJECT",
    properties: { city: { type: "STRING" } },
    required: ["city"],
  },
};

const SCHEMA = {
  type: "OBJECT",
  properties: { city: { type: "STRING" }, degrees: { type: "INTEGER" } },
  required: ["city", "degrees"],
};

// Each takes a client, its options, and the object to be printed.
const scenarios = {
  async models(ai, { pageSize }, seen) {
    const pager = await ai.models.list({ config: { pageSize } });
    seen.firstPage = pager.page.map((model) => model.name);
    seen.names = [];
    for await (const model of pager) seen.names.push(model.name);
  },

  async model(ai, { model }, seen) {
    seen.model = await ai.models.get({ model });
  },

  async generate(ai, { model = MODEL }, seen) {
    const answer = await ai.models.generateContent({ model, contents: "Hello" });
    seen.text = answer.text;
    seen.finishReason = answer.candidates[0].finishReason;
  },

  async stream(ai, { model = MODEL, sandbox }, seen) {
    seen.texts = [];
    seen.upstream = [];
    const stream = await ai.models.generateContentStream({
      model,
      contents: "Hello",
    });
    for await (const chunk of stream) {
      seen.texts.push(chunk.text);
      if (sandbox) seen.upstream.push(await howItEnded(sandbox));
    }
  },

  async chat(ai, { questions, streamed, others }, seen) {
    const chat = ai.chats.create({ model: MODEL });
    seen.answers = [];
    for (const message of questions) {
      seen.answers.push(
        streamed
          ? await joined(await chat.sendMessageStream({ message }))
          : (await chat.sendMessage({ message })).text,
      );
      for (let number = 0; number < others; number++) { // as many others, in between
        const contents = `Not ${message} ${number}`;
        await ai.models.generateContent({ model: MODEL, contents });
      }
    }
  },

  async functionCall(ai, _, seen) {
    const tools = [{ functionDeclarations: [WEATHER] }];
    const chat = ai.chats.create({ model: MODEL, config: { tools } });
    const message = "What is the weather in Turin?";
    const [call] = (await chat.sendMessage({ message })).functionCalls;
    const response = { name: call.name, response: { sky: "clear" } };
    const answer = await chat.sendMessage({
      message: { functionResponse: response },
    });
    seen.call = { name: call.name, args: call.args };
    seen.text = answer.text;
  },

  async json(ai, _, seen) {
    const answer = await ai.models.generateContent({
      model: MODEL,
      contents: "The weather in Turin",
      config: { responseMimeType: "application/json", responseSchema: SCHEMA },
    });
    seen.value = JSON.parse(answer.text);
  },

  async image(ai, { data }, seen) {
    const picture = { inlineData: { mimeType: "image/png", data } };
    const answer = await ai.models.generateContent({
      model: MODEL,
      contents: ["What is this?", picture],
    });
    seen.text = answer.text;
  },

  async count(ai, _, seen) {
    seen.counted = await ai.models.countTokens({
      model: MODEL,
      contents: "Hello",
    });
  },
};

async function joined(stream) {
  let text = "";
  for await (const chunk of stream) text += chunk.text;
  return text;
}

// How the stream ended in the sandbox's record; null while it is under way.
async function howItEnded(sandbox) {
  const response = await fetch(`${sandbox}/sandbox/calls`);
  const { calls } = await response.json();
  return calls.find((call) => call.method === "streamGenerateContent").ended;
}

const [name, options] = process.argv.slice(2);
const { client, ...rest } = JSON.parse(options);
const seen = {};
try {
  await scenarios[name](new GoogleGenAI(client), rest, seen);
} catch (error) {
  const { status, message } = error;
  seen.error = { kind: error.constructor.name, status, message };
}
console.log(JSON.stringify(seen));
