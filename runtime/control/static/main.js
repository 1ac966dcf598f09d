// Ties the parts of the page together.

import { CameraTile } from "./camera.js";
import { Connection } from "./connection.js";
import { Look } from "./look.js";
import { Report } from "./report.js";
import { Styles } from "./styles.js";

const TOLD_MS = 6000;

const connection = new Connection();
const link = document.getElementById("link");
const alertLine = document.getElementById("alert");
const steering = document.getElementById("steering");
const report = new Report();
const tiles = [];
let recording = "";
let telling = 0;

function tell(text) {
  link.textContent = text;
  clearTimeout(telling);
  telling = setTimeout(() => (link.textContent = "Connected"), TOLD_MS);
}

function complain(text) {
  alertLine.textContent = text;
  alertLine.hidden = !text;
}

const fail = (error) => complain(error.message);
const change = async (wanted) => {
  const done = await connection.order("change_settings", { change: wanted });
  complain("");
  return done;
};
// Resolves with nothing where it failed, and says why.
const order = async (what, fields) => {
  try {
    const done = await connection.order(what, fields);
    complain("");
    return done;
  } catch (error) {
    fail(error);
    return null;
  }
};
const look = new Look({ change, fail });
const styles = new Styles({ change, tell, fail });

function showCameras(status) {
  while (tiles.length < status.cameras.length) {
    const tile = new CameraTile(tiles.length + 1, { order, tell });
    tiles.push(tile);
    document.getElementById("cameras").append(tile.element);
    tile.pictures.open();
  }
  // The line was started anew, with fewer cameras.
  for (const tile of tiles.splice(status.cameras.length)) {
    tile.pictures.close();
    tile.element.remove();
  }
  tiles.forEach((tile, place) => tile.update(status.cameras[place], status.settings.looks[place]));
}

connection.addEventListener("open", () => {
  document.body.dataset.link = "open";
  steering.disabled = false;
  complain("");
  tell("Connected");
  styles.load().catch(fail);
  report.loadRecordings().catch(fail);
  for (const tile of tiles) tile.pictures.open();
});
connection.addEventListener("closed", ({ detail }) => {
  document.body.dataset.link = "closed";
  steering.disabled = true;
  clearTimeout(telling);
  link.textContent = "Not connected";
  document.getElementById("headline").textContent = "";
  for (const tile of tiles) tile.leave();
  complain(detail || "No connection to the line. It is tried again.");
});
connection.addEventListener("status", ({ detail }) => {
  showCameras(detail);
  look.follow(detail.settings);
  styles.follow(detail.settings.styles);
  report.follow(detail);
  const now = JSON.stringify(detail.cameras.map((camera) => camera.recording));
  if (now !== recording) report.loadRecordings().catch(fail);
  recording = now;
});
connection.addEventListener("events", ({ detail }) => report.showEvents(detail));
connection.open();
