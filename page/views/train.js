import { View } from "../lib/view.js";

export class TrainView extends View {}
